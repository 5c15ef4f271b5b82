import { X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { makeAuthority } from "../../test/wire/certificates.ts";
import { principalOf } from "./principal.ts";

const WEB = "spiffe://shop/ns/web/sa/storefront";
const authority = makeAuthority("the mesh", Date.now());

function principal(uris: readonly string[], dns: readonly string[] = [], subject = "web"): string | undefined {
  return principalOf(new X509Certificate(authority.issue(subject, { uris, dns }).certificate));
}

describe("who a certificate says its owner is", () => {
  test.each([
    ["the SPIFFE ID, before every other name", [WEB], ["web.test"], WEB],
    ["a trust domain alone", ["spiffe://shop"], [], "spiffe://shop"],
    ["the first URI", ["https://web.test/", "https://other.test/"], ["web.test"], "https://web.test/"],
    ["the first DNS name, where there is no URI", [], ["web.test", "other.test"], "web.test"],
    ["the subject, where there is no other name", [], [], "CN=web"],
  ])("is %s", (_, uris, dns, expected) => {
    expect(principal(uris, dns)).toBe(expected);
  });

  test.each([
    ["has two SPIFFE IDs", [WEB, `${WEB}-two`]],
    ["has a SPIFFE ID behind another URI", ["https://web.test/", WEB]],
    ["has another URI behind its SPIFFE ID", [WEB, "https://web.test/"]],
    ["writes its SPIFFE ID in large letters", ["SPIFFE://shop/ns/web"]],
    ["has large letters in the trust domain", ["spiffe://Shop/ns/web"]],
    ["has a port in the trust domain", ["spiffe://shop:80/ns/web"]],
    ["has a user in the trust domain", ["spiffe://a@shop/ns/web"]],
    ["has dots for segments", ["spiffe://shop/ns/../web"]],
    ["has an empty segment", ["spiffe://shop//web"]],
    ["ends its path with a slash", ["spiffe://shop/ns/web/"]],
    ["has escapes", ["spiffe://shop/ns/%77eb"]],
    ["has a query", ["spiffe://shop/ns/web?x"]],
    ["has a URI without a scheme", ["web.test"]],
    ["has a URI with a space", ["https://web.test/ x"]],
    ["has a URI that is too long", [`https://web.test/${"x".repeat(2_048)}`]],
    ["has a URI with a comma and another name in it", [`https://web.test/, URI:${WEB}`]],
    ["has a URI with a quote in it", [`https://web.test/", URI:${WEB}`]],
    ["has a URI with NUL in it", ["spiffe://shop/ns/web\0.evil"]],
  ])("is nobody's where it %s", (_, uris) => {
    expect(principal(uris, ["web.test"])).toBeUndefined();
  });

  test.each([
    `web.test, URI:${WEB}`,
    `web.test", URI:${WEB}, DNS:"`,
    `web.test\\", URI:${WEB}`,
    `web.test\nURI:${WEB}`,
    `web.test\0.evil.test`,
    `web.test,URI:${WEB}`,
    WEB,
    "a b",
    "",
  ])("is nobody's where a DNS name is %j", (host) => {
    expect(principal([], [host])).toBeUndefined();
  });

  test("is not shaken by an odd DNS name beside a SPIFFE ID, nor takes another from it", () => {
    expect(principal([WEB], [`x, URI:spiffe://shop/ns/admin`, `y", URI:spiffe://shop/ns/admin, DNS:"`])).toBe(WEB);
  });

  test.each([
    ["web,O=shop", "CN=web\\,O=shop"],
    ["web\nO=shop", "CN=web\\0AO=shop"],
    [WEB, `CN=${WEB}`],
  ])("cannot be made up by a subject that is called %j", (subject, expected) => {
    expect(principal([], [], subject)).toBe(expected);
  });
});
