import { describe, expect, test } from "vitest";
import { parseCidr, parseIp } from "../../attribute/address.ts";
import { type CelValue, Invalid } from "../../attribute/value.ts";
import { fromLiteral, toLiteral } from "../literal.ts";
import type { Tree } from "../tree.ts";
import type { FunctionRow } from "./function-row.ts";
import { NETWORK } from "./network.ts";

function row(name: string): FunctionRow {
  const found = NETWORK.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no function ${name}`);
  return found;
}

function call(name: string, value: CelValue, other: CelValue = null) {
  return row(name).apply(value, other, null, null);
}

/** An address or network from its text, as a value. */
function value(text: string): CelValue {
  return parseIp(text) ?? parseCidr(text) ?? text;
}

describe("what an address is", () => {
  test.each([
    ["isUnspecified", ["0.0.0.0", "::"], ["0.0.0.1", "::1"]],
    ["isLoopback", ["127.0.0.1", "127.255.0.1", "::1"], ["128.0.0.1", "::2", "::"]],
    [
      "isGlobalUnicast",
      ["8.8.8.8", "10.0.0.1", "0.0.0.1", "255.255.255.254", "2001:db8::1", "fc00::1"],
      [
        "255.255.255.255",
        "0.0.0.0",
        "127.0.0.1",
        "224.0.0.1",
        "239.1.1.1",
        "169.254.1.1",
        "::",
        "::1",
        "ff02::1",
        "fe80::1",
      ],
    ],
    ["isLinkLocalUnicast", ["169.254.1.1", "fe80::1", "febf::"], ["169.253.1.1", "fec0::1"]],
    ["isLinkLocalMulticast", ["224.0.0.1", "ff02::1", "ff12::1"], ["224.0.1.1", "ff01::1", "fe80::1"]],
  ])("%s", (name, yes, no) => {
    expect(yes.filter((text) => call(name, value(text)) !== true)).toEqual([]);
    expect(no.filter((text) => call(name, value(text)) !== false)).toEqual([]);
  });

  test("its family is 4 or 6", () => {
    expect([call("family", value("10.0.0.1")), call("family", value("::1"))]).toEqual([4n, 6n]);
  });

  test("only one way of writing it is canonical, and what is no address is an error", () => {
    expect(call("ip.isCanonical", "2001:db8::1")).toBe(true);
    expect(call("ip.isCanonical", "2001:DB8::1")).toBe(false);
    expect(call("ip.isCanonical", "nonsense")).toBeInstanceOf(Invalid);
  });
});

describe("what a text is read as", () => {
  test.each([
    ["ip", "10.0.0.256"],
    ["cidr", "10.0.0.0"],
  ])("%s of %j is an error", (name, text) => {
    expect(call(name, text)).toBeInstanceOf(Invalid);
  });

  test("asking first is no error", () => {
    expect([call("isIP", "10.0.0.1"), call("isIP", "x"), call("isCIDR", "::/0"), call("isCIDR", "::")]).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  test("a network takes addresses and networks, as values and as texts", () => {
    const network = value("10.0.0.0/8");
    expect(call("containsIP", network, value("10.1.1.1"))).toBe(true);
    expect(call("containsIP", network, "10.1.1.1")).toBe(true);
    expect(call("containsIP", network, "10.1.1.0/24")).toBeInstanceOf(Invalid);
    expect(call("containsCIDR", network, value("10.1.1.0/24"))).toBe(true);
    expect(call("containsCIDR", network, "11.1.1.0/24")).toBe(false);
    expect(call("containsCIDR", network, "10.1.1.1")).toBeInstanceOf(Invalid);
  });

  test("a network shows its parts", () => {
    const network = value("10.1.2.3/8");
    expect(call("ip", network)).toEqual(value("10.1.2.3"));
    expect(call("masked", network)).toEqual(value("10.0.0.0/8"));
    expect(call("prefixLength", network)).toBe(8n);
    expect([call("isMask", network), call("isMask", value("10.0.0.0/8"))]).toEqual([false, true]);
  });

  test.each(NETWORK.map(({ name }) => name))("%s of what is neither is an error", (name) => {
    expect(call(name, 1n, 1n)).toBeInstanceOf(Invalid);
  });
});

describe("at load", () => {
  const text = (written: string): Tree => ({ op: "constant", value: { type: "string", value: written }, at: [3, 9] });
  const typeOf = () => ({ kind: "string" }) as const;

  test.each([
    ["ip", "10.0.0.256", "P1267"],
    ["cidr", "10.0.0.0/33", "P1268"],
    ["ip", "10.0.0.1", undefined],
    ["cidr", "10.0.0.0/8", undefined],
  ])("%s(%j) is refused with %s", (name, written, code) => {
    const wrong = row(name).checkWritten?.({ args: [text(written)], typeOf });
    expect(wrong?.finding.code).toBe(code);
    if (wrong) expect(wrong.at.at).toEqual([3, 9]);
  });

  test("what only the request knows is not judged", () => {
    const attribute: Tree = { op: "attribute", name: "source.address", type: { kind: "string" }, at: [3, 9] };
    expect(row("ip").checkWritten?.({ args: [attribute], typeOf })).toBeUndefined();
  });

  test.each(["10.0.0.1", "::1", "10.1.2.3/8"])("%s can stand in a plan", (written) => {
    const literal = toLiteral(value(written));
    expect(literal && fromLiteral(structuredClone(literal))).toEqual(value(written));
  });
});
