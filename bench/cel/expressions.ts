import type { Request } from "./requests.ts";

/** An expression that is measured, and the same as one writes it by hand. */
export interface Measured {
  readonly name: string;
  readonly text: string;
  readonly byHand: (request: Request) => boolean;
  /** What it may take: so many times the time of hand-written JavaScript; none is demanded where it is left out. */
  readonly timesByHand?: number;
}

const SERVICES = Array.from({ length: 20 }, (_, index) => `service-${index}.shop`);

/** Hand-written JavaScript has to be a function in the source, as written out as the expression. */
export const EXPRESSIONS: readonly Measured[] = [
  {
    name: "a",
    text: 'request.method == "GET" && request.path.startsWith("/api/v1/")',
    byHand: ({ method, path }) => method === "GET" && path.startsWith("/api/v1/"),
    timesByHand: 6,
  },
  {
    name: "b",
    text:
      'source.principal in ["spiffe://mesh.example/ns/web/sa/frontend", "spiffe://mesh.example/ns/web/sa/checkout"] && ' +
      'destination.service == "orders.shop"',
    byHand: ({ source, destination }) =>
      (source.principal === "spiffe://mesh.example/ns/web/sa/frontend" ||
        source.principal === "spiffe://mesh.example/ns/web/sa/checkout") &&
      destination.service === "orders.shop",
    timesByHand: 12,
  },
  {
    name: "c",
    text:
      'request.headers["x-role"] == "admin" || ' +
      '(request.auth.groups.exists(g, g == "ops") && request.time.getHours("UTC") < 18)',
    byHand: ({ headers, groups, receivedAt }) =>
      headers.get("x-role") === "admin" || (groups.some((group) => group === "ops") && receivedAt.getUTCHours() < 18),
    timesByHand: 12,
  },
  {
    name: "d",
    text: 'request.path.matches("^/users/[0-9]+/orders$")',
    byHand: ({ path }) => /^\/users\/[0-9]+\/orders$/.test(path),
    timesByHand: 6,
  },
  {
    name: "e",
    text: SERVICES.map((service) => `destination.service == "${service}"`).join(" || "),
    byHand: ({ destination: { service } }) =>
      service === "service-0.shop" ||
      service === "service-1.shop" ||
      service === "service-2.shop" ||
      service === "service-3.shop" ||
      service === "service-4.shop" ||
      service === "service-5.shop" ||
      service === "service-6.shop" ||
      service === "service-7.shop" ||
      service === "service-8.shop" ||
      service === "service-9.shop" ||
      service === "service-10.shop" ||
      service === "service-11.shop" ||
      service === "service-12.shop" ||
      service === "service-13.shop" ||
      service === "service-14.shop" ||
      service === "service-15.shop" ||
      service === "service-16.shop" ||
      service === "service-17.shop" ||
      service === "service-18.shop" ||
      service === "service-19.shop",
    timesByHand: 4,
  },
  {
    name: "missing header, then ||",
    text: 'request.headers["x-missing"] == "yes" || request.method == "GET"',
    byHand: ({ headers, method }) => headers.get("x-missing") === "yes" || method === "GET",
  },
];
