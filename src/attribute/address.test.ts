import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { containsCidr, containsIp, formatCidr, formatIp, masked, parseCidr, parseIp } from "./address.ts";
import { IpAddress } from "./value.ts";

function ip(text: string): IpAddress {
  const address = parseIp(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
}

function cidr(text: string) {
  const network = parseCidr(text);
  if (network === undefined) throw new Error(`${text} is no network`);
  return network;
}

describe("addresses", () => {
  test.each([
    ["0.0.0.0", "0.0.0.0"],
    ["255.255.255.255", "255.255.255.255"],
    ["10.0.0.1", "10.0.0.1"],
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["2001:DB8::1", "2001:db8::1"],
    ["2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"],
    ["0:0:0:0:0:0:0:1", "::1"],
    // The first of two equally long runs is left out, and one group of zeros never is.
    ["1:0:0:2:0:0:3:4", "1::2:0:0:3:4"],
    ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ["1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"],
    ["::1.2.3.4", "::102:304"],
  ])("%s is written %s", (text, canonical) => {
    expect(formatIp(ip(text))).toBe(canonical);
  });

  test.each([
    "",
    ".",
    ":",
    ":::",
    "10.0.0",
    "10.0.0.0.1",
    "10.0.0.256",
    "10.0.0.01",
    "010.0.0.1",
    "10.0.0.1 ",
    "+1.0.0.1",
    "10.0.0.1:80",
    "10..0.1",
    "0x7f.0.0.1",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1::2::3",
    "1:2:3:4:5:6:7:8::",
    "1:2:3:4::5:6:7:8",
    "1:2:3:4:5:6:7:",
    ":1:2:3:4:5:6:7",
    "12345::",
    "g::",
    "::1.2.3",
    "1.2.3.4::",
    "::1.2.3.4:5",
    "1:2:3:4:5:6:7:1.2.3.4",
    "fe80::1%eth0",
    "[::1]",
    "::ffff:10.0.0.1",
    "::ffff:a00:1",
    "0:0:0:0:0:ffff:1:2",
    "10.0.0.1/8",
    "1".repeat(46),
    "１.0.0.1",
  ])("%j is no address", (text) => {
    expect(parseIp(text)).toBeUndefined();
  });

  test("what an address is written as is read as the same address", () => {
    const address = fc.oneof(
      fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((bits) => new IpAddress(4, bits)),
      fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 }).map((groups) => {
        return new IpAddress(
          6,
          groups.reduce((bits, group) => (bits << 16n) | BigInt(group), 0n),
        );
      }),
    );
    fc.assert(
      fc.property(address, (value) => {
        fc.pre(value.family === 4 || value.bits >> 32n !== 0xffffn);
        expect(parseIp(formatIp(value))).toEqual(value);
      }),
    );
  });
});

describe("networks", () => {
  test.each(["10.0.0.0/8", "10.0.0.5/8", "0.0.0.0/0", "255.255.255.255/32", "::/0", "2001:db8::/32", "::1/128"])(
    "%s stays as it is written",
    (text) => {
      expect(formatCidr(cidr(text))).toBe(text);
    },
  );

  test.each([
    "10.0.0.0",
    "10.0.0.0/",
    "10.0.0.0/33",
    "10.0.0.0/08",
    "10.0.0.0/+8",
    "10.0.0.0/-1",
    "10.0.0.0/8/8",
    "10.0.0.0/255.0.0.0",
    "::/129",
    "/8",
    "::1",
    "fe80::1%eth0/64",
    "::ffff:10.0.0.0/104",
    "10.0.0/8",
    "",
  ])("%j is no network", (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });

  test.each([
    ["10.0.0.0/8", "10.255.255.255", true],
    ["10.0.0.5/8", "10.1.2.3", true],
    ["10.0.0.0/8", "11.0.0.0", false],
    ["0.0.0.0/0", "255.1.2.3", true],
    ["10.0.0.7/32", "10.0.0.7", true],
    ["10.0.0.7/32", "10.0.0.6", false],
    ["::/0", "10.0.0.1", false],
    ["0.0.0.0/0", "::1", false],
    ["2001:db8::/32", "2001:db8:ffff::", true],
    ["2001:db8::/33", "2001:db8:8000::", false],
  ])("%s and %s: %s", (network, address, expected) => {
    expect(containsIp(cidr(network), ip(address))).toBe(expected);
  });

  test.each([
    ["10.0.0.0/8", "10.1.0.0/16", true],
    ["10.0.0.0/8", "10.0.0.0/8", true],
    ["10.0.0.0/8", "10.0.0.0/7", false],
    ["10.0.0.0/8", "11.0.0.0/16", false],
    ["0.0.0.0/0", "::/0", false],
  ])("%s contains %s: %s", (outer, inner, expected) => {
    expect(containsCidr(cidr(outer), cidr(inner))).toBe(expected);
  });

  test.each([
    ["10.1.2.3/8", "10.0.0.0/8"],
    ["10.1.2.3/0", "0.0.0.0/0"],
    ["10.1.2.3/32", "10.1.2.3/32"],
    ["2001:db8::1/32", "2001:db8::/32"],
  ])("%s masked is %s", (text, expected) => {
    expect(formatCidr(masked(cidr(text)))).toBe(expected);
  });
});
