import { describe, expect, test } from "vitest";
import { plan } from "../../test/cel/harness.ts";

/** `attribute[key]`, its guard and whether it is compared. */
function reads(text: string): readonly string[] {
  return plan(text).reads.map(({ attribute, key, mode, guard, compared }) => {
    expect(mode).toBe(guard === undefined ? "plain" : "guarded");
    return [
      key === undefined ? attribute : `${attribute}[${key}]`,
      guard ?? "plain",
      ...(compared ? ["compared"] : []),
    ].join(" ");
  });
}

describe("every read is listed, with its key, what guards it, and whether it is compared", () => {
  test.each([
    ["request.method.size() > 1", ["request.method plain"]],
    ['request.method == "GET"', ["request.method plain compared"]],
    ['request.method in ["GET"]', ["request.method plain compared"]],
    ['request.headers["x-a"] != "1"', ["request.headers[x-a] plain compared"]],
    ['request.headers.get("x-a", "") == "1"', ["request.headers[x-a] get compared"]],
    ['request.headers.values("X-A").exists(v, v == "1")', ["request.headers[x-a] values"]],
    ['"x-a" in request.headers', ["request.headers[x-a] in"]],
    ["request.method in request.headers", ["request.method plain", "request.headers in"]],
    ['"dev" in request.auth.claims.groups', ["request.auth.claims[groups] plain"]],
    ["has(request.method)", ["request.method has"]],
    ["has(request.headers.a)", ["request.headers[a] has"]],
    ["has(request.auth.claims.a.b)", ["request.auth.claims[a] plain"]],
    ['source.principal.orDefault("") == "x"', ["source.principal orDefault compared"]],
    [
      "request.auth.claims.a.b.orDefault(request.auth.claims.c)",
      ["request.auth.claims[a] orDefault", "request.auth.claims[c] plain"],
    ],
    ['request.auth.claims.a.get("b", request.method)', ["request.auth.claims[a] get", "request.method plain"]],
    ['request.headers[?"a"].orValue(request.host)', ["request.headers[a] ?", "request.host plain"]],
    ["request.?host.hasValue()", ["request.host ?"]],
    ["request.auth.claims.?a.?b.hasValue()", ["request.auth.claims[a] ?"]],
    ["request.headers.exists(k, k == request.method)", ["request.headers plain", "request.method plain compared"]],
    ["request.headers[request.method]", ["request.headers plain", "request.method plain"]],
    ["request.headers.exists(k, v, v == request.method)", ["request.headers plain", "request.method plain compared"]],
    ["cel.bind(h, request.headers, h.a == request.method)", ["request.headers plain", "request.method plain compared"]],
    ['cel.bind(k, "a", request.headers[k] == "1")', ["request.headers[a] plain compared"]],
    ["request.?host.optMap(h, h + request.path).orValue('')", ["request.host ?", "request.path plain"]],
    ["[?request.?host, request.path]", ["request.host ?", "request.path plain"]],
    [
      "(it.is.yes ? request.host : request.path) == 'x'",
      ["it.is.yes plain", "request.host plain compared", "request.path plain compared"],
    ],
    ["false && request.method == 'x'", []],
    ["{'a': request.host, request.path: 1} == {}", ["request.host plain", "request.path plain"]],
  ])("%s", (text, expected) => {
    expect(reads(text)).toEqual(expected);
  });
});

describe("total: never absent, whatever the request lacks", () => {
  test.each([
    ["1 + 1", true],
    ["request.method", false],
    ["has(request.method)", true],
    ["has(request.headers.a)", false],
    ['request.headers.get("a", "")', true],
    ['request.headers.get(request.method, "")', false],
    ['request.headers.get("a", request.method)', false],
    ['request.headers.values("a").exists(v, v == "x")', true],
    ['source.principal.orDefault("")', true],
    ['spiffe.namespace("spiffe://a/ns/b/sa/c")', true],
    ['spiffe.namespace(source.principal.orDefault(""))', false],
    ['spiffe.namespace(source.principal).orDefault("")', true],
    ["source.principal.orDefault(request.host)", false],
    ['source.principal.orDefault(request.host.orDefault(""))', true],
    // As with `in`: there is no answer for a key of a map that is not there.
    ['request.headers[?"a"].orValue("x")', false],
    ['request.?headers[?"a"].orValue("x")', true],
    ["request.?host.hasValue()", true],
    ["request.?host.optMap(h, h + 'x').orValue('')", true],
    ["request.?host.optMap(h, request.path).orValue('')", false],
    ["cel.bind(h, request.?host, h.orValue(''))", true],
    ["cel.bind(h, request.host, h)", false],
    ["it.is.yes || true", true],
    ["has(request.host) ? request.host : ''", false],
    ['string(request.headers.get("a", "").size()) + "x"', true],
    ["[1, 2].map(x, request.size)", false],
    ['context.get("service", "")', true],
  ])("%s: %s", (text, expected) => {
    expect(plan(text).total).toBe(expected);
  });
});
