import { describe, expect, test } from "vitest";
import type { Value } from "weir-mesh/adapter";
import { conformanceCases, openForTest } from "weir-mesh/adapter/testing";
import { parseAddress, parsePrefix } from "./address.ts";
import adapter from "./index.ts";

describe("keeps the promises of an adapter", () => {
  const cases = conformanceCases({
    adapter,
    config: () => ({ mode: "block", values: ["203.0.113.7"] }),
    refused: [
      { config: {}, path: ["mode"] },
      { config: { mode: "deny", values: [] }, path: ["mode"] },
      { config: { mode: "block", values: [7] }, path: ["values", 0] },
      { config: { mode: "block", values: [""] }, path: ["values", 0] },
      { config: { mode: "block", type: "ip", values: ["10.0.0.0/8", "10.0.0.0/33"] }, path: ["values", 1] },
      { config: { mode: "block", values: [], vlaues: [] }, path: ["vlaues"] },
    ],
  });
  test.each(cases)("$name", ({ run }) => run());
});

async function answers(config: unknown, value: Value): Promise<string> {
  const { handler } = await openForTest(adapter, config);
  const answer = handler.listentry({ rule: "p/ask", value }, { signal: new AbortController().signal });
  expect(answer, "a list answers without a promise").not.toBeInstanceOf(Promise);
  return (await answer).kind;
}

test("a block list objects to what is on it and to nothing else", async () => {
  const config = { mode: "block", values: ["203.0.113.7", "eve"] };
  expect(await answers(config, "eve")).toBe("objection");
  expect(await answers(config, "Eve")).toBe("no-objection");
  expect(await answers(config, "")).toBe("no-objection");
});

test("an allow list objects to everything that is not on it", async () => {
  const config = { mode: "allow", values: ["alice", "7"] };
  expect(await answers(config, "alice")).toBe("no-objection");
  expect(await answers(config, 7n)).toBe("no-objection");
  expect(await answers(config, "constructor")).toBe("objection");
  expect(await answers({ mode: "allow", values: [] }, "alice")).toBe("objection");
});

test("addresses are compared as addresses: ranges, and both writings of one address", async () => {
  const config = {
    mode: "block",
    type: "ip",
    values: ["10.0.0.0/8", "203.0.113.7", "2001:db8::/32", "::ffff:198.51.100.0/120"],
  };
  const objected = ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3", "203.0.113.7", "2001:0DB8:0::1", "198.51.100.9"];
  for (const address of objected) expect.soft(await answers(config, address), address).toBe("objection");
  for (const address of ["11.0.0.0", "203.0.113.8", "2001:db9::", "::10.0.0.1"]) {
    expect.soft(await answers(config, address), address).toBe("no-objection");
  }
});

test("what is no address can be neither on an address list nor off it", async () => {
  for (const mode of ["block", "allow"]) {
    for (const value of ["localhost", "10.0.0.1:80", "fe80::1%eth0", "", 10n, null]) {
      expect
        .soft(await answers({ mode, type: "ip", values: ["10.0.0.0/8"] }, value), String(value))
        .toBe("unavailable");
    }
  }
});

test.each([
  ["0.0.0.0", 0xffff_0000_0000n],
  ["1.2.3.4", 0xffff_0102_0304n],
  ["::", 0n],
  ["::1", 1n],
  ["1::", 1n << 112n],
  ["::ffff:1.2.3.4", 0xffff_0102_0304n],
  ["1:2:3:4:5:6:7:8", 0x0001_0002_0003_0004_0005_0006_0007_0008n],
  ["1:2:3:4:5:6:1.2.3.4", 0x0001_0002_0003_0004_0005_0006_0102_0304n],
  ["01.2.3.4", undefined],
  ["1.2.3", undefined],
  [":::", undefined],
])("the address %s is %s", (text, address) => expect(parseAddress(text)).toBe(address));

test.each(["10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "/8", "::/129", "10.0.0.0/33", "10.0.0.0/ 8"])(
  "%s is no range",
  (text) => expect(parsePrefix(text)).toBeUndefined(),
);
