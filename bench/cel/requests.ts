import { EntryMap, type Held } from "../../src/attribute/entry-map.ts";
import type { Reader, ReaderTable } from "../../src/attribute/readers.ts";
import { type AttributeType, type CelType, parseType } from "../../src/attribute/type.ts";
import { Timestamp } from "../../src/attribute/value.ts";

/** One request as a door has it once its message is decoded: what hand-written JavaScript looks at. */
export interface Request {
  readonly method: string;
  readonly path: string;
  readonly scheme: string;
  readonly host: string;
  readonly protocol: string;
  readonly id: string;
  readonly size: number;
  readonly receivedAt: Date;
  readonly headers: ReadonlyMap<string, string>;
  readonly groups: readonly string[];
  readonly source: Peer;
  readonly destination: Peer;
  readonly tls: { readonly mutual: boolean; readonly version: string; readonly serverName: string };
}

interface Peer {
  readonly principal: string;
  readonly address: string;
  readonly port: number;
  readonly namespace: string;
  readonly service: string;
}

const METHODS = ["GET", "GET", "POST", "GET", "PUT", "GET", "DELETE"];
const PATHS = [
  ...["/api/v1/orders", "/api/v1/orders/17?expand=items", "/users/42/orders", "/healthz", "/api/v2/carts/9"],
  ...["/users/alice/orders", "/api/v1/users/5", "/static/app.js", "/users/31337/orders", "/api/v1/"],
  "/checkout/confirm?step=3",
];
const SERVICES = ["orders", "carts", "users", "billing", "search"];
const ACCOUNTS = ["frontend", "checkout", "batch", "admin-console"];
const ROLES = ["user", "admin", "auditor"];
const GROUPS = ["dev", "qa", "ops", "sre", "finance", "support"];

/** Contexts that take turns, so that no engine sees the same values twice in a row. */
export const REQUESTS: readonly Request[] = Array.from({ length: 24 }, (_, index) => requestOf(index));

/** Every few requests one is like another in some attribute, but never in all. */
function requestOf(index: number): Request {
  const headers: readonly (readonly [string, string])[] = [
    ["accept", "application/json"],
    ["accept-encoding", "gzip, deflate, br"],
    ["content-type", "application/json"],
    ["cookie", `session=${index * 7919}; theme=dark`],
    ["user-agent", `mesh-client/1.${index % 5}`],
    ["x-forwarded-proto", "https"],
    ["x-request-id", `4bf92f35-77b3-4da6-a3ce-${index + 100000000000}`],
    ["x-role", pick(ROLES, index)],
    ["x-tenant", `tenant-${index % 4}`],
  ];
  return {
    method: decoded(pick(METHODS, index)),
    path: decoded(pick(PATHS, index)),
    scheme: decoded("https"),
    host: decoded(`${pick(SERVICES, index)}.shop.example.com`),
    protocol: decoded("HTTP/2"),
    id: decoded(`req-${index}`),
    size: index * 512,
    receivedAt: new Date(Date.UTC(2026, 0, 15, index, 30)),
    headers: new Map(headers.map(([name, value]) => [decoded(name), decoded(value)])),
    groups: GROUPS.slice(0, 2 + (index % 5)).map(decoded),
    source: peerOf(pick(ACCOUNTS, index), "web", 30_000 + index),
    destination: peerOf(pick(SERVICES, index), "shop", 8443),
    tls: { mutual: index % 6 !== 0, version: decoded("TLSv1.3"), serverName: decoded("gateway.example.com") },
  };
}

function peerOf(account: string, namespace: string, port: number): Peer {
  return {
    principal: decoded(`spiffe://mesh.example/ns/${namespace}/sa/${account}`),
    address: decoded(`10.4.${account.length}.${port % 250}`),
    port,
    namespace: decoded(namespace),
    service: decoded(`${account}.${namespace}`),
  };
}

function pick(from: readonly string[], index: number): string {
  return from[index % from.length] ?? "";
}

/** A text as it comes off the wire: to JavaScript no constant of the program, even where it reads the same. */
function decoded(text: string): string {
  return Buffer.from(text, "utf8").toString("utf8");
}

/** A door's own form of a request: maps and times as expressions have them. */
export interface Context {
  readonly request: Request;
  readonly headers: EntryMap;
  readonly time: Timestamp;
}

export function contextOf(request: Request): Context {
  return {
    request,
    headers: new EntryMap(request.headers),
    time: new Timestamp(BigInt(request.receivedAt.getTime()) * 1_000_000n),
  };
}

/** As a door has it: one row for each attribute that it supplies. */
const ATTRIBUTES: readonly (readonly [name: string, type: AttributeType, read: Reader<Context>])[] = [
  ["request.method", "string", ({ request }) => request.method],
  ["request.path", "string", ({ request }) => request.path],
  ["request.scheme", "string", ({ request }) => request.scheme],
  ["request.host", "string", ({ request }) => request.host],
  ["request.protocol", "string", ({ request }) => request.protocol],
  ["request.id", "string", ({ request }) => request.id],
  ["request.size", "int", ({ request }) => BigInt(request.size)],
  ["request.time", "timestamp", ({ time }) => time],
  ["request.headers", "map(string, string)", ({ headers }): Held => headers],
  ["request.useragent", "string", ({ headers }) => headers.get("user-agent")],
  ["request.referer", "string", ({ headers }) => headers.get("referer")],
  ["request.auth.groups", "list(string)", ({ request }) => request.groups],
  ["source.principal", "string", ({ request }) => request.source.principal],
  ["source.address", "string", ({ request }) => request.source.address],
  ["source.port", "int", ({ request }) => BigInt(request.source.port)],
  ["source.namespace", "string", ({ request }) => request.source.namespace],
  ["source.service", "string", ({ request }) => request.source.service],
  ["destination.principal", "string", ({ request }) => request.destination.principal],
  ["destination.address", "string", ({ request }) => request.destination.address],
  ["destination.port", "int", ({ request }) => BigInt(request.destination.port)],
  ["destination.namespace", "string", ({ request }) => request.destination.namespace],
  ["destination.service", "string", ({ request }) => request.destination.service],
  ["connection.mtls", "bool", ({ request }) => request.tls.mutual],
  ["connection.tls_version", "string", ({ request }) => request.tls.version],
  ["connection.requested_server_name", "string", ({ request }) => request.tls.serverName],
];

export const TYPES: ReadonlyMap<string, CelType> = new Map(ATTRIBUTES.map(([name, type]) => [name, parseType(type)]));

/** What a door supplies by name: bound to the slots of a snapshot once. */
export const READERS: ReaderTable<Context> = new Map(ATTRIBUTES.map(([name, , read]) => [name, read]));

/** The same for engines that take plain objects: names nested by their dots. */
export function nestedOf(request: Request, time: unknown): Record<string, unknown> {
  const { source, destination, tls } = request;
  return {
    request: {
      ...{ method: request.method, path: request.path, scheme: request.scheme, host: request.host },
      ...{ protocol: request.protocol, id: request.id, size: BigInt(request.size), time },
      headers: Object.fromEntries(request.headers),
      useragent: request.headers.get("user-agent"),
      auth: { groups: request.groups },
    },
    source: { ...source, port: BigInt(source.port) },
    destination: { ...destination, port: BigInt(destination.port) },
    connection: { mtls: tls.mutual, tls_version: tls.version, requested_server_name: tls.serverName },
  };
}
