import { describe, expect, test } from "vitest";
import { type CheckResponse, Verdict } from "../wire/client.ts";
import { decisionJson, decisionText } from "./decision-text.ts";

const ALLOWED: CheckResponse = {
  verdict: Verdict.ALLOWED,
  reason: "rule",
  statusCode: 0,
  statusMessage: "",
  rule: { name: "shop/readers", location: "shop.yaml:3" },
  snapshot: "3f9c2ab01d52",
  decisionId: "d-1",
  requestHeaders: {
    set: [{ name: "x-version", value: "v2" }],
    add: [{ name: "x-seen-by", value: "weir" }],
    remove: ["x-debug"],
  },
  responseHeaders: { set: [{ name: "x-served-by", value: "v2" }], add: [], remove: [] },
  query: { set: [{ name: "v", value: "2" }], remove: ["debug"] },
  validity: {
    duration: { seconds: 30n, nanos: 500_000_000 },
    useCount: 10,
    referenced: [
      { attribute: "request.method", condition: 1 },
      { attribute: "request.headers", key: "x-user", condition: 2 },
    ],
  },
  quotas: [],
};

const LIMITED: CheckResponse = {
  verdict: Verdict.LIMITED,
  reason: "limit",
  statusCode: 8,
  statusMessage: "limited",
  rule: { name: "shop/orders", location: "shop.yaml:20" },
  snapshot: "3f9c2ab01d52",
  decisionId: "d-2",
  directResponse: { status: 429, headers: [{ name: "retry-after", value: "7" }], body: "Slow\ndown." },
  quotas: [
    {
      name: "shop/orders",
      verdict: Verdict.LIMITED,
      reason: "limit",
      granted: 0n,
      remaining: 2n,
      retryAfter: { seconds: 7n, nanos: 0 },
    },
    { name: "shop/all", verdict: Verdict.ALLOWED, reason: "limit", granted: 2n ** 60n },
  ],
};

describe("a decision for people", () => {
  test("begins with the verdict and the rule; then what happens to the request", () => {
    expect(decisionText(ALLOWED, false)).toBe(
      [
        "allowed by shop/readers (shop.yaml:3)",
        "  reason           rule",
        "  request set      x-version: v2",
        "  request add      x-seen-by: weir",
        "  request remove   x-debug",
        "  response set     x-served-by: v2",
        "  query set        v=2",
        "  query remove     debug",
        "  reusable         for 30.5 s, 10 times, by request.method, request.headers.x-user",
        "  snapshot         3f9c2ab01d52",
        "  decision         d-1",
        "",
      ].join("\n"),
    );
  });

  test("says what a refused client gets, and of each limit how it came out", () => {
    expect(decisionText(LIMITED, false)).toBe(
      [
        "limited by shop/orders (shop.yaml:20)",
        "  reason           limit",
        "  status           8 limited",
        '  responds         429 "Slow\\ndown."',
        "  with             retry-after: 7",
        "  quota            shop/orders limited (limit): 0 granted, 2 left, again in 7 s",
        "  quota            shop/all allowed (limit): 1152921504606846976 granted",
        "  snapshot         3f9c2ab01d52",
        "  decision         d-2",
        "",
      ].join("\n"),
    );
  });

  test("names no rule where none decided", () => {
    const { rule: _, ...unmatched } = { ...ALLOWED, verdict: Verdict.DENIED, reason: "unmatched" };
    expect(decisionText(unmatched, false)).toMatch(/^denied\n {2}reason +unmatched\n/);
  });
});

describe("a decision for programs", () => {
  test("has the names of the native API", () => {
    expect(JSON.parse(decisionJson(ALLOWED))).toEqual({
      verdict: "allowed",
      reason: "rule",
      rule: { name: "shop/readers", location: "shop.yaml:3" },
      status_code: 0,
      status_message: "",
      snapshot: "3f9c2ab01d52",
      decision_id: "d-1",
      request_headers: ALLOWED.requestHeaders,
      response_headers: ALLOWED.responseHeaders,
      query: ALLOWED.query,
      validity: {
        duration: "30.5s",
        use_count: 10,
        referenced: [
          { attribute: "request.method", condition: "exact" },
          { attribute: "request.headers", key: "x-user", condition: "absent" },
        ],
      },
      quotas: [],
    });
  });

  test("writes numbers that JSON cannot hold as text, and leaves out what there is not", () => {
    const data = JSON.parse(decisionJson(LIMITED));
    expect(data.quotas).toEqual([
      { name: "shop/orders", verdict: "limited", reason: "limit", granted: 0, remaining: 2, retry_after: "7s" },
      { name: "shop/all", verdict: "allowed", reason: "limit", granted: "1152921504606846976" },
    ]);
    expect(data.direct_response).toEqual({
      status: 429,
      headers: [{ name: "retry-after", value: "7" }],
      body: "Slow\ndown.",
    });
    expect(data).not.toHaveProperty("validity");
  });
});
