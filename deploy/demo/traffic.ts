import type { TokenMint } from "./tokens.ts";

/** One request of the demo, as its client sends it. */
export interface DemoRequest {
  /** What it is about, for people. */
  readonly about: string;
  readonly kind: "http" | "grpc";
  readonly method: string;
  readonly path: string;
  /** A name from ACCOUNTS, undefined for somebody nobody vouches for. */
  readonly account?: Account;
  /** Header values are bytes where that is the point. */
  readonly headers?: readonly (readonly [name: string, value: string | Uint8Array])[];
}

const ACCOUNTS = {
  ann: { sub: "ann" },
  bob: { sub: "bob" },
  sue: { sub: "sue", groups: ["support"] },
  mallory: { sub: "mallory" },
} as const;
type Account = keyof typeof ACCOUNTS;

export function tokenOf(account: Account, mint: TokenMint): string {
  return mint.token(ACCOUNTS[account]);
}

/** Not UTF-8, as a header value may be. */
const ODD_BYTES = Uint8Array.of(0x66, 0xff, 0xfe);

/** A few seconds of a small shop: mixed, as traffic is. */
export const TRAFFIC: readonly DemoRequest[] = [
  http("anybody may look at the catalogue", "GET", "/catalogue/shoes"),
  http("by a path that Envoy tidies up", "GET", "/catalogue//hats/../shoes"),
  http("a draft is not for sale yet", "GET", "/catalogue/drafts/sandals"),
  http("a way around that", "GET", "/catalogue/%64rafts/sandals"),
  http("ann looks at her orders", "GET", "/customers/ann/orders", "ann"),
  http("bob looks at ann's orders", "GET", "/customers/ann/orders", "bob"),
  http("support looks at ann's orders", "GET", "/customers/ann/orders", "sue"),
  http("nobody we know looks at them", "GET", "/customers/ann/orders"),
  http("by way of the catalogue", "GET", "/catalogue/../customers/ann/orders"),
  http("pretending to be ann upstream", "GET", "/customers/bob/orders", "bob", [["x-customer", "ann"]]),
  http("ann orders", "POST", "/customers/ann/orders", "ann"),
  http("ann orders again", "POST", "/customers/ann/orders", "ann"),
  http("and again", "POST", "/customers/ann/orders", "ann"),
  http("a fourth time within the minute", "POST", "/customers/ann/orders", "ann"),
  http("bob has a limit of his own", "POST", "/customers/bob/orders", "bob"),
  http("a frozen account", "GET", "/customers/bob/orders", "bob", [["x-account-state", "gold, frozen"]]),
  http("bytes that are no text", "GET", "/customers/bob/orders", "bob", [["x-account-state", ODD_BYTES]]),
  http("mallory is on the block list", "GET", "/customers/mallory/orders", "mallory"),
  http("the service breaks the connection", "GET", "/customers/ann/reset", "ann"),
  { about: "ann is greeted, by gRPC", kind: "grpc", method: "POST", path: "/greeter.v1.Greeter/Greet", account: "ann" },
  { about: "a stranger is not", kind: "grpc", method: "POST", path: "/greeter.v1.Greeter/Greet" },
];

function http(
  about: string,
  method: string,
  path: string,
  account?: Account,
  headers: NonNullable<DemoRequest["headers"]> = [],
): DemoRequest {
  return { about, kind: "http", method, path, headers, ...(account ? { account } : {}) };
}
