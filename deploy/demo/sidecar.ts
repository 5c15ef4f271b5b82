import type { DemoRequest } from "./traffic.ts";

/** What a client saw of one request. */
export interface ClientAnswer {
  /** `200`, or `200 grpc 0` for gRPC. */
  readonly status: string;
  /** What it says besides: the body, or the header that matters. */
  readonly said: string;
}

/** What stands in front of the services and asks Weir. */
export interface Sidecar extends AsyncDisposable {
  /** For people: `Envoy 1.40.0`. */
  readonly name: string;
  /** Sends one request as its client; `headers` come on top of the request's own. */
  send(request: DemoRequest, headers: Readonly<Record<string, string>>): Promise<ClientAnswer>;
  /** Its own counters of what Weir answered, by name; none where it keeps none. */
  counters(): Promise<ReadonlyMap<string, number>>;
}

/** Where the two sample services listen, on loopback. */
export interface ServicePorts {
  readonly orders: number;
  readonly greeter: number;
}

/** The routes of the shop: what a path is, and which service it belongs to. `context` is what Weir derives `destination.service` from. */
export const ROUTES = [
  { name: "catalogue", prefix: "/catalogue", upstream: "orders", context: { service: "catalogue.shop" } },
  { name: "greeter", prefix: "/greeter.v1.Greeter", upstream: "greeter", context: { service: "greeter.shop" } },
  { name: "orders", prefix: "/", upstream: "orders", context: { service: "orders.shop" } },
] as const;
