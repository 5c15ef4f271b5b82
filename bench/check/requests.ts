/**
 * What the bench asks: requests of the size and the shape that Envoy sends, 19 headers, about 1.2 KB. No two of them are from the same
 * client about the same thing, and most are decided by rules in the second half of the folder.
 */
import { Address, SocketAddress } from "#proto/envoy/config/core/v3/address";
import { CheckRequest as AuthzRequest } from "#proto/envoy/service/auth/v3/external_auth";
import type { Attribute } from "#proto/weir/v1/attribute";
import { CheckRequest as NativeRequest } from "#proto/weir/v1/check";
import { pick, type Random, seeded } from "./random.ts";
import { type Rule, ruleAt } from "./rule-sets.ts";

export type Expected = "allowed" | "denied";

export interface Asked {
  /** What a Weir with the rules must answer. */
  readonly expected: Expected;
  readonly headers: ReadonlyMap<string, string>;
  readonly principal: string;
  readonly host: string;
  readonly method: string;
  readonly path: string;
}

/** How the requests fall: half are allowed, a fifth are refused by a deny rule, the rest meets no rule. */
const ALLOWED_PART = 0.5;
const DENIED_BY_RULE_PART = 0.2;

/** @returns requests about the first `rules` rules, always the same ones. */
export function requestsAbout(rules: number, count: number, seed = 1): readonly Asked[] {
  const random = seeded(seed);
  return Array.from({ length: count }, () => {
    const lot = random();
    if (lot < ALLOWED_PART) return requestMeeting(deepRule(random, rules, "allow"), random);
    if (lot < ALLOWED_PART + DENIED_BY_RULE_PART) return requestMeeting(deepRule(random, rules, "deny"), random);
    return requestOfAStranger(deepRule(random, rules, "allow"), random);
  });
}

/** What this rule is about. */
export function requestMeeting(rule: Rule, random: Random): Asked {
  return ask(rule, rule.effect === "allow" ? "allowed" : "denied", random);
}

/** What this rule is about, asked by somebody who is in no rule. */
function requestOfAStranger(rule: Rule, random: Random): Asked {
  const name = `stranger-${pick(random, 1e9)}`;
  return ask({ ...rule, principal: `spiffe://mesh.example/ns/elsewhere/sa/${name}`, tenant: name }, "denied", random);
}

function deepRule(random: Random, rules: number, effect: Rule["effect"]): Rule {
  const half = rules >> 1;
  for (;;) {
    const rule = ruleAt(half + pick(random, rules - half));
    if (rule.effect === effect) return rule;
  }
}

function ask(rule: Rule, expected: Expected, random: Random): Asked {
  const { principal, tenant, host, method, pathPrefix } = rule;
  const path = `${pathPrefix}${pick(random, 1e6)}/positions?page=${pick(random, 50)}&sort=price`;
  const headers = new Map([
    [":authority", host],
    [":path", path],
    [":method", method],
    [":scheme", "https"],
    ["user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"],
    ["accept", "application/json,text/html;q=0.9,*/*;q=0.8"],
    ["accept-language", "de-DE,de;q=0.9,en;q=0.8"],
    ["accept-encoding", "gzip, deflate, br"],
    ["content-type", "application/json"],
    ["x-tenant", tenant],
    ["x-forwarded-for", `192.0.2.${pick(random, 256)}`],
    ["x-forwarded-proto", "https"],
    ["x-envoy-external-address", "192.0.2.2"],
    ["x-request-id", uuid(random)],
    ["x-b3-traceid", hex(random, 32)],
    ["x-b3-spanid", hex(random, 16)],
    ["x-b3-sampled", "1"],
    ["cookie", `session=${hex(random, 24)}; theme=dark; cart=%7B%22n%22%3A3%7D`],
    ["referer", `https://${host}/catalogue`],
  ]);
  return { expected, headers, principal, host, method, path };
}

function hex(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => pick(random, 16).toString(16)).join("");
}

function uuid(random: Random): string {
  return [8, 4, 4, 4, 12].map((digits) => hex(random, digits)).join("-");
}

/** The request as Envoy asks about it over ext_authz: the fields that 1.40 sends, with the identities of mutual TLS. */
export function authzMessage({ headers, principal, host, method, path }: Asked): Uint8Array {
  const message = AuthzRequest.create({
    attributes: {
      source: { address: socketAddress("192.0.2.17", 41_382), principal },
      destination: { address: socketAddress("192.0.2.40", 8_443), principal: GATEWAY },
      request: {
        time: REQUEST_TIME,
        http: {
          id: "2524166046889019182",
          method,
          headers: [...headers].map(([key, value]) => ({ key, value })),
          path,
          host,
          scheme: "https",
          protocol: "HTTP/2",
        },
      },
      contextExtensions: [
        { key: "policy_set", value: "default" },
        { key: "vhost", value: "shop" },
      ],
      metadataContext: {},
      routeMetadataContext: {},
      tlsSession: {},
    },
  });
  return AuthzRequest.toBinary(message);
}

const GATEWAY = "spiffe://mesh.example/ns/gateways/sa/gateway";
const REQUEST_TIME = { seconds: 1_795_235_251n, nanos: 47_646_000 };

function socketAddress(address: string, port: number): Address {
  const portSpecifier = { oneofKind: "portValue", portValue: port } as const;
  return Address.create({
    address: { oneofKind: "socketAddress", socketAddress: SocketAddress.create({ address, portSpecifier }) },
  });
}

/** The same request as a sidecar asks about it over the native API. */
export function nativeMessage(asked: Asked): Uint8Array {
  const { headers, principal, host, method, path } = asked;
  const entries = [...headers].map(([key, value]) => ({ key, value }));
  const message = NativeRequest.create({
    attributes: [
      text("source.principal", principal),
      text("source.address", "192.0.2.17"),
      text("destination.principal", GATEWAY),
      text("destination.address", "192.0.2.40"),
      text("request.method", method),
      text("request.host", host),
      text("request.path", path),
      text("request.scheme", "https"),
      text("request.protocol", "HTTP/2"),
      { name: "request.time", value: { kind: { oneofKind: "timestamp", timestamp: REQUEST_TIME } } },
      { name: "request.headers", value: { kind: { oneofKind: "stringMap", stringMap: { entries } } } },
    ],
  });
  return NativeRequest.toBinary(message);
}

function text(name: string, value: string): Attribute {
  return { name, value: { kind: { oneofKind: "string", string: value } } };
}
