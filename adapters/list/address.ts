import { isIPv4, isIPv6 } from "node:net";

/** An IP address as a number in IPv6's space; an IPv4 address is its `::ffff:0:0/96` image, so that both writings of it are one. */
export type Address = bigint;

/** All addresses whose first `length` bits are those of `address`. */
export interface Prefix {
  readonly address: Address;
  /** 0 to 128. */
  readonly length: number;
}

const BITS = 128;
const BITS_BEFORE_V4 = 96;
const V4_IMAGE = 0xffff_0000_0000n;

/** @returns undefined when the text is no IP address. */
export function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) return V4_IMAGE | fromV4(text);
  // A zone names an interface of one machine; no list can mean it.
  return isIPv6(text) && !text.includes("%") ? fromV6(text) : undefined;
}

/** @returns undefined when the text is neither an address nor an address and the length of a prefix. */
export function parsePrefix(text: string): Prefix | undefined {
  const [written = "", length, ...more] = text.split("/");
  const address = parseAddress(written);
  if (address === undefined || more.length > 0) return undefined;
  if (length === undefined) return { address, length: BITS };
  if (!/^\d{1,3}$/.test(length)) return undefined;
  const bits = Number(length) + (isIPv4(written) ? BITS_BEFORE_V4 : 0);
  return bits > BITS ? undefined : { address: firstBits(address, bits), length: bits };
}

/** @returns the address with everything after the first `length` bits zero. */
export function firstBits(address: Address, length: number): Address {
  const rest = BigInt(BITS - length);
  return (address >> rest) << rest;
}

function fromV4(text: string): bigint {
  return text.split(".").reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

/** `text` is a valid IPv6 address without a zone. */
function fromV6(text: string): bigint {
  const [before = "", after] = text.split("::");
  const head = groups(before);
  const tail = after === undefined ? [] : groups(after);
  const zeros = new Array<bigint>(8 - head.length - tail.length).fill(0n);
  return [...head, ...zeros, ...tail].reduce((sum, group) => (sum << 16n) | group, 0n);
}

function groups(text: string): bigint[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (!group.includes(".")) return [BigInt(`0x${group}`)];
    const v4 = fromV4(group);
    return [v4 >> 16n, v4 & 0xffffn];
  });
}
