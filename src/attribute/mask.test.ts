import { describe, expect, test } from "vitest";
import { MASKED, maskOf } from "./mask.ts";
import { ABSENT, type CelValue, Invalid } from "./value.ts";

const mask = maskOf([
  "request.headers.authorization",
  "request.body",
  "request.auth.claims.realm_access.roles",
  "request.auth.claims.https://a.b/c",
]);

describe("masking", () => {
  test("hides one key of a map and leaves the map it was given alone", () => {
    const headers = new Map([
      ["authorization", "Bearer x"],
      ["x-user", "ana"],
    ]);
    expect(mask.apply("request.headers", headers)).toEqual(
      new Map([
        ["authorization", MASKED],
        ["x-user", "ana"],
      ]),
    );
    expect(headers.get("authorization")).toBe("Bearer x");
  });

  test("hides a whole attribute", () => {
    expect(mask.apply("request.body", "secret")).toBe(MASKED);
  });

  test("finds keys inside keys, and keys that hold dots", () => {
    const claims = new Map<CelValue, CelValue>([
      ["realm_access", new Map([["roles", "admin"]])],
      ["https://a.b/c", "x"],
    ]);
    expect(mask.apply("request.auth.claims", claims)).toEqual(
      new Map<CelValue, CelValue>([
        ["realm_access", new Map([["roles", MASKED]])],
        ["https://a.b/c", MASKED],
      ]),
    );
  });

  test("leaves alone what no name hides", () => {
    const headers = new Map([["x-user", "ana"]]);
    expect(mask.apply("request.headers", headers)).toBe(headers);
    expect(mask.apply("request.headers_bytes", 5n)).toBe(5n);
    expect(mask.apply("request.body", ABSENT)).toBe(ABSENT);
    expect(mask.apply("request.body", new Invalid("partial"))).toBeInstanceOf(Invalid);
  });

  test("finds a header whatever case it was masked in", () => {
    expect(maskOf(["request.headers.Cookie"]).apply("request.headers", new Map([["cookie", "a"]]))).toEqual(
      new Map([["cookie", MASKED]]),
    );
  });

  test("says which names are hidden as a whole", () => {
    expect(mask.hides("request.body")).toBe(true);
    expect(mask.hides("request.headers", "authorization")).toBe(true);
    expect(mask.hides("request.headers")).toBe(false);
  });
});
