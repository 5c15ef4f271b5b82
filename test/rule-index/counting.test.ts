import { describe, expect, test } from "vitest";
import { ABSENT, Invalid, type Outcome } from "../../src/attribute/value.ts";
import { judge } from "../../src/engine/decide.ts";
import { Conditions } from "../../src/snapshot/conditions.ts";
import type { GeneratedPolicy, GeneratedRule } from "./generated.ts";
import { frameFor, linkSet } from "./linked.ts";

const MANY = 500;
const VERY_MANY = 10_000;
/** However many rules there are. */
const HANDFUL = 8;

type Request = Readonly<Record<string, Outcome>>;

const METHODS = ["GET", "PUT", "POST", "DELETE"];

/** What only the rule with this number is about. */
function about(number: number): Request {
  return {
    "source.principal": `spiffe://mesh/ns/n${number % 50}/sa/s${number}`,
    "request.host": `h${number % 100}`,
    "request.method": METHODS[number % METHODS.length] ?? "",
    "request.url_path": `/svc-${number}/users`,
    "request.headers": true,
    "request.headers x-tenant": `t${number}`,
  };
}

const RULE_SETS: Readonly<Record<string, (number: number) => string>> = {
  "principal, host, method and path prefix": (n) =>
    `source.principal == "spiffe://mesh/ns/n${n % 50}/sa/s${n}" && request.host == "h${n % 100}" && request.method == "${METHODS[n % 4]}" && request.url_path.startsWith("/svc-${n}/")`,
  "a path prefix alone": (n) => `request.url_path.startsWith("/svc-${n}/")`,
  "a header alone": (n) => `request.headers["x-tenant"] == "t${n}"`,
  "one host for all, and a path": (n) => `request.host == "h${n % 2}" && request.url_path.startsWith("/svc-${n}/")`,
  "one of several headers, and what no index knows": (n) =>
    `request.headers.get("x-tenant", "") in ["t${n}", "u${n}"] && request.host.size() > 1`,
  "a namespace, and a path within it": (n) =>
    `spiffe.namespace(source.principal) == "n${n % 50}" && request.url_path.startsWith("/svc-${n}/")`,
  "a header that is there, and a number": (n) =>
    `"x-tenant" in request.headers && request.headers["x-tenant"] == "t${n}" && any.int > ${n % 3}`,
};

const WITHOUT: Readonly<Record<string, Request>> = {
  "as it should be": {},
  "without a principal": { "source.principal": ABSENT },
  "without the header": { "request.headers x-tenant": ABSENT },
  "with a broken host": { "request.host": new Invalid("not UTF-8") },
  "with a broken path": { "request.url_path": new Invalid("not UTF-8") },
  "with a broken principal": { "source.principal": new Invalid("not UTF-8") },
  "with nothing at all": Object.fromEntries(Object.keys(about(0)).map((name): [string, Outcome] => [name, ABSENT])),
};

function rulesOf(
  rules: number,
  condition: (number: number) => string,
  effect: GeneratedRule["effect"],
): GeneratedPolicy {
  return {
    when: undefined,
    rules: Array.from({ length: rules }, (_, number) => ({ effect, shadow: false, when: condition(number) })),
  };
}

/** The kinds of requests that have more rules evaluated than a handful. */
function dearRequests(policy: GeneratedPolicy): readonly string[] {
  let evaluations = 0;
  const { indexes } = linkSet([policy], () => {
    evaluations += 1;
  });
  return Object.entries(WITHOUT).flatMap(([name, changed]) => {
    const attributes = { ...about(policy.rules.length - 3), ...changed };
    const request = new Map(Object.entries(attributes).filter(([, value]) => value !== ABSENT));
    evaluations = 0;
    judge(indexes, new Conditions(frameFor(request)), "deny");
    return evaluations > HANDFUL ? [`${name}: ${evaluations}`] : [];
  });
}

describe.each(["allow", "deny"] as const)("of many rules that %s, a request evaluates a handful", (effect) => {
  test.each(Object.entries(RULE_SETS))("where each tests %s", (_, condition) => {
    expect(dearRequests(rulesOf(MANY, condition, effect))).toEqual([]);
  });
});

test("of very many, it evaluates no more", () => {
  const [condition = String] = Object.values(RULE_SETS);
  expect(dearRequests(rulesOf(VERY_MANY, condition, "allow"))).toEqual([]);
});

test("a policy that is elsewhere costs nothing, whatever its rules", () => {
  let evaluations = 0;
  const rules = Array.from(
    { length: 50 },
    (): GeneratedRule => ({ effect: "deny", shadow: false, when: "has(request.host)" }),
  );
  const policies = Array.from({ length: 100 }, (_, number) => ({
    when: number % 2 === 0 ? `request.host == "h${number}"` : `request.host.size() == ${number}`,
    rules,
  }));
  const { indexes } = linkSet(policies, () => {
    evaluations += 1;
  });
  judge(indexes, new Conditions(frameFor(new Map([["request.host", "h4"]]))), "deny");
  expect(evaluations).toBe(1);
});
