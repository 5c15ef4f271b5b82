import { describe, expect, test } from "vitest";
import { parseSpiffeId } from "./spiffe.ts";

function parts(text: string) {
  const id = parseSpiffeId(text);
  return id && [id.trustDomain, id.namespace, id.serviceAccount];
}

describe("names of workloads", () => {
  test.each([
    ["spiffe://cluster.local/ns/web/sa/shop", ["cluster.local", "web", "shop"]],
    ["cluster.local/ns/web/sa/shop", ["cluster.local", "web", "shop"]],
    ["spiffe://td-1.example_x/ns/My.Ns-1/sa/a_b", ["td-1.example_x", "My.Ns-1", "a_b"]],
    ["spiffe://example.org/db/primary", ["example.org", undefined, undefined]],
    ["spiffe://example.org", ["example.org", undefined, undefined]],
    ["spiffe://example.org/ns/web", ["example.org", undefined, undefined]],
    ["spiffe://example.org/ns/web/sa/shop/extra", ["example.org", undefined, undefined]],
    ["spiffe://example.org/x/ns/web/sa/shop", ["example.org", undefined, undefined]],
    ["spiffe://example.org/NS/web/sa/shop", ["example.org", undefined, undefined]],
  ])("%s", (text, expected) => {
    expect(parts(text)).toEqual(expected);
  });

  test.each([
    "",
    "spiffe://",
    "spiffe:///ns/web/sa/shop",
    "SPIFFE://cluster.local/ns/web/sa/shop",
    "https://cluster.local/ns/web/sa/shop",
    "spiffe://Cluster.local/ns/web/sa/shop",
    "spiffe://cluster.local:443/ns/web/sa/shop",
    "spiffe://user@cluster.local/ns/web/sa/shop",
    "spiffe://cluster.local/ns/web/sa/shop/",
    "spiffe://cluster.local//ns/web/sa/shop",
    "spiffe://cluster.local/ns//sa/shop",
    "spiffe://cluster.local/ns/web/sa/shop?x",
    "spiffe://cluster.local/ns/web/sa/shop#x",
    "spiffe://cluster.local/ns/w%65b/sa/shop",
    "spiffe://cluster.local/ns/../sa/shop",
    "spiffe://cluster.local/ns/./sa/shop",
    "spiffe://cluster.local/ns/web/sa/shöp",
    "spiffe://cluster.local/ns/web/sa/shop,spiffe://cluster.local/ns/a/sa/b",
    "spiffe://cluster.local/ns/web/sa/shop\n",
    " spiffe://cluster.local/ns/web/sa/shop",
    "cluster.local",
    "shop.example.org",
    "cluster.local/ns/web",
    "cluster.local/ns/web/sa/shop/x",
    "CN=shop,O=example",
    `spiffe://${"a".repeat(256)}`,
    `spiffe://a/${"b".repeat(2048)}`,
  ])("%j is none", (text) => {
    expect(parts(text)).toBeUndefined();
  });
});
