import { containsCidr, containsIp, formatIp, masked, parseCidr, parseIp } from "../../attribute/address.ts";
import { type CelValue, Cidr, type Invalid, IpAddress, type Outcome } from "../../attribute/value.ts";
import { type Finding, notANetwork, notAnAddress } from "../../diagnostics/messages/expression.ts";
import { invalid, NO_OVERLOAD } from "../values.ts";
import type { FunctionRow, WrittenCall, WrongArgument } from "./function-row.ts";

const BAD_IP = invalid("not an IP address such as 10.0.0.1 or 2001:db8::1", "invalid conversion");
const BAD_CIDR = invalid("not a network such as 10.0.0.0/8 or 2001:db8::/32", "invalid conversion");
/** Reading an address from a text takes half a microsecond; a text too long to be one is not looked at. */
const PARSING = 12;

/** CEL's network library: addresses, networks, and which lie in which. */
export const NETWORK: readonly FunctionRow[] = [
  {
    name: "ip",
    signatures: ["ip(string): ip", "cidr.ip(): ip"],
    doc: "The IP address that a text is; of a network its address, as written. No zones, no leading zeros, no IPv4 within IPv6.",
    cost: PARSING,
    apply: (value) => (value instanceof Cidr ? value.address : asIp(value)),
    checkWritten: (call) => wrongText(call, (text) => (parseIp(text) ? undefined : notAnAddress(text))),
  },
  {
    name: "cidr",
    signatures: ["cidr(string): cidr"],
    doc: "The network that a text is, in CIDR notation: `10.0.0.0/8`.",
    cost: PARSING,
    apply: asCidr,
    checkWritten: (call) => wrongText(call, (text) => (parseCidr(text) ? undefined : notANetwork(text))),
  },
  {
    name: "isIP",
    signatures: ["isIP(string): bool"],
    doc: "Whether `ip` can read the text.",
    cost: PARSING,
    apply: (text) => (typeof text === "string" ? parseIp(text) !== undefined : NO_OVERLOAD),
  },
  {
    name: "isCIDR",
    signatures: ["isCIDR(string): bool"],
    doc: "Whether `cidr` can read the text.",
    cost: PARSING,
    apply: (text) => (typeof text === "string" ? parseCidr(text) !== undefined : NO_OVERLOAD),
  },
  {
    name: "ip.isCanonical",
    signatures: ["ip.isCanonical(string): bool"],
    doc: "Whether the text is an address in the form in which `string` writes it; an error when it is no address.",
    cost: 2 * PARSING,
    apply: (text) => {
      const address = asIp(text);
      return address instanceof IpAddress ? formatIp(address) === text : address;
    },
  },
  ofIp("family", "int", "4 or 6.", ({ family }) => BigInt(family)),
  ofIp("isUnspecified", "bool", "Whether it is `0.0.0.0` or `::`.", ({ bits }) => bits === 0n),
  ofIp("isLoopback", "bool", "Whether it is in `127.0.0.0/8`, or `::1`.", isLoopback),
  ofIp(
    "isGlobalUnicast",
    "bool",
    "Whether it is none of unspecified, loopback, multicast, link-local and the IPv4 broadcast address; private ones are global here.",
    isGlobalUnicast,
  ),
  ofIp("isLinkLocalUnicast", "bool", "Whether it is in `169.254.0.0/16` or `fe80::/10`.", isLinkLocalUnicast),
  ofIp(
    "isLinkLocalMulticast",
    "bool",
    "Whether it is in `224.0.0.0/24`, or in `ff02::/16` whatever its flags.",
    isLinkLocalMulticast,
  ),
  {
    name: "containsIP",
    signatures: ["cidr.containsIP(ip): bool", "cidr.containsIP(string): bool"],
    doc: "Whether the address lies in the network. An address of the other family does not.",
    cost: PARSING,
    apply: (network, ip) => {
      const address = ip instanceof IpAddress ? ip : asIp(ip);
      if (!(network instanceof Cidr)) return NO_OVERLOAD;
      return address instanceof IpAddress ? containsIp(network, address) : address;
    },
  },
  {
    name: "containsCIDR",
    signatures: ["cidr.containsCIDR(cidr): bool", "cidr.containsCIDR(string): bool"],
    doc: "Whether all of the other network lies in the network.",
    cost: PARSING,
    apply: (network, other) => {
      const inner = other instanceof Cidr ? other : asCidr(other);
      if (!(network instanceof Cidr)) return NO_OVERLOAD;
      return inner instanceof Cidr ? containsCidr(network, inner) : inner;
    },
  },
  ofCidr("masked", "cidr", "The network with its bits beyond the prefix set to 0.", masked),
  ofCidr(
    "isMask",
    "bool",
    "Whether its bits beyond the prefix are 0 already.",
    (network) => masked(network).address.bits === network.address.bits,
  ),
  ofCidr("prefixLength", "int", "How many bits of its address are the network.", ({ prefix }) => BigInt(prefix)),
];

function ofIp(name: string, returns: string, doc: string, read: (ip: IpAddress) => Outcome): FunctionRow {
  return {
    name,
    signatures: [`ip.${name}(): ${returns}`],
    doc: `Of an address: ${doc.charAt(0).toLowerCase()}${doc.slice(1)}`,
    cost: 4,
    apply: (value) => (value instanceof IpAddress ? read(value) : NO_OVERLOAD),
  };
}

function ofCidr(name: string, returns: string, doc: string, read: (network: Cidr) => Outcome): FunctionRow {
  return {
    name,
    signatures: [`cidr.${name}(): ${returns}`],
    doc,
    cost: 6,
    apply: (value) => (value instanceof Cidr ? read(value) : NO_OVERLOAD),
  };
}

function asIp(value: CelValue): IpAddress | Invalid {
  return typeof value === "string" ? (parseIp(value) ?? BAD_IP) : NO_OVERLOAD;
}

function asCidr(value: CelValue): Cidr | Invalid {
  return typeof value === "string" ? (parseCidr(value) ?? BAD_CIDR) : NO_OVERLOAD;
}

/** A text that is written there can be told at load to be no address. */
function wrongText({ args }: WrittenCall, judge: (text: string) => Finding | undefined): WrongArgument | undefined {
  const [at] = args;
  if (at?.op !== "constant" || at.value.type !== "string") return undefined;
  const finding = judge(at.value.value);
  return finding && { at, finding };
}

/** @returns the first bits of an address. */
function first(count: number, { family, bits }: IpAddress): bigint {
  return bits >> BigInt((family === 4 ? 32 : 128) - count);
}

function isLoopback(ip: IpAddress): boolean {
  return ip.family === 4 ? first(8, ip) === 127n : ip.bits === 1n;
}

function isMulticast(ip: IpAddress): boolean {
  return ip.family === 4 ? first(4, ip) === 0xen : first(8, ip) === 0xffn;
}

function isLinkLocalUnicast(ip: IpAddress): boolean {
  return ip.family === 4 ? first(16, ip) === 0xa9fen : first(10, ip) === 0x3fan;
}

function isLinkLocalMulticast(ip: IpAddress): boolean {
  return ip.family === 4 ? first(24, ip) === 0xe0_00_00n : (first(16, ip) & 0xff0fn) === 0xff02n;
}

const BROADCAST = 0xffff_ffffn;

function isGlobalUnicast(ip: IpAddress): boolean {
  if (ip.bits === 0n || (ip.family === 4 && ip.bits === BROADCAST)) return false;
  return !isLoopback(ip) && !isMulticast(ip) && !isLinkLocalUnicast(ip);
}
