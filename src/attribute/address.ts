import { Cidr, IpAddress } from "./value.ts";

/**
 * Addresses and networks as texts, read as strictly as CEL's network library does: no zones, no leading zeros in IPv4, and no IPv4 dressed
 * as IPv6 (`::ffff:10.0.0.1`), by which one address could be written so that a rule about it does not see it.
 */

const GROUPS = 8;
const GROUP_BITS = 16n;
/** `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255` */
const MAX_ADDRESS = 45;
const MAX_PREFIX_DIGITS = 3;

const WIDTH = { 4: 32, 6: 128 } as const;
const IPV4_IN_IPV6 = 0xffffn;

/** @returns the address, undefined for a text that is none. */
export function parseIp(text: string): IpAddress | undefined {
  if (text.length > MAX_ADDRESS) return undefined;
  if (text.includes(":")) return parseIpv6(text);
  const bits = parseIpv4(text);
  return bits === undefined ? undefined : new IpAddress(4, BigInt(bits));
}

/** @returns the network, whose address keeps its bits beyond the prefix; undefined for a text that is none. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf("/");
  if (slash < 0) return undefined;
  const address = parseIp(text.slice(0, slash));
  const prefix = parsePrefix(text.slice(slash + 1));
  if (address === undefined || prefix === undefined || prefix > WIDTH[address.family]) return undefined;
  return new Cidr(address, prefix);
}

function parsePrefix(text: string): number | undefined {
  if (text.length > MAX_PREFIX_DIGITS || !/^(?:0|[1-9]\d*)$/.test(text)) return undefined;
  return Number(text);
}

/** Four decimal numbers. */
function parseIpv4(text: string): number | undefined {
  const octets = text.split(".");
  if (octets.length !== 4) return undefined;
  let bits = 0;
  for (const octet of octets) {
    if (!/^(?:0|[1-9]\d{0,2})$/.test(octet) || Number(octet) > 0xff) return undefined;
    // Not shifted: the result would be negative from 128 on.
    bits = bits * 256 + Number(octet);
  }
  return bits;
}

/** Groups of up to four hexadecimal digits, one `::` in place of at least one group, and IPv4 in place of the last two. */
function parseIpv6(text: string): IpAddress | undefined {
  const gap = text.indexOf("::");
  const before = parseGroups(gap < 0 ? text : text.slice(0, gap), gap < 0);
  const after = gap < 0 ? [] : parseGroups(text.slice(gap + 2), true);
  if (before === undefined || after === undefined) return undefined;
  const missing = GROUPS - before.length - after.length;
  if (gap < 0 ? missing !== 0 : missing < 1) return undefined;
  let bits = 0n;
  for (const group of [...before, ...new Array<number>(missing).fill(0), ...after]) {
    bits = (bits << GROUP_BITS) | BigInt(group);
  }
  return bits >> 32n === IPV4_IN_IPV6 ? undefined : new IpAddress(6, bits);
}

/** @param isLast whether these groups end the address, where IPv4 may stand. */
function parseGroups(text: string, isLast: boolean): readonly number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (isLast && index === parts.length - 1 && part.includes(".")) {
      const bits = parseIpv4(part);
      if (bits === undefined) return undefined;
      groups.push(Math.floor(bits / 0x1_0000), bits % 0x1_0000);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return groups;
}

/** @returns the address in its one canonical form: RFC 5952 for IPv6. */
export function formatIp({ family, bits }: IpAddress): string {
  return family === 4 ? formatIpv4(Number(bits)) : formatIpv6(bits);
}

/** @returns the network as `address/prefix`, the bits beyond the prefix as they were written. */
export function formatCidr({ address, prefix }: Cidr): string {
  return `${formatIp(address)}/${prefix}`;
}

function formatIpv4(bits: number): string {
  return [bits >>> 24, (bits >>> 16) & 0xff, (bits >>> 8) & 0xff, bits & 0xff].join(".");
}

function formatIpv6(bits: bigint): string {
  const groups: number[] = [];
  for (let index = 0; index < GROUPS; index++) {
    groups.push(Number((bits >> (GROUP_BITS * BigInt(GROUPS - 1 - index))) & 0xffffn));
  }
  const [start, length] = longestZeros(groups);
  const written = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  // One group of zeros is written out.
  if (length < 2) return written(groups);
  return `${written(groups.slice(0, start))}::${written(groups.slice(start + length))}`;
}

/** The first of the longest runs of zeros. */
function longestZeros(groups: readonly number[]): readonly [start: number, length: number] {
  let best: readonly [number, number] = [0, 0];
  let length = 0;
  for (const [index, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > best[1]) best = [index - length + 1, length];
  }
  return best;
}

/** @returns whether an address lies in a network. None of one family lies in a network of the other. */
export function containsIp({ address, prefix }: Cidr, ip: IpAddress): boolean {
  if (ip.family !== address.family) return false;
  const beyond = BigInt(WIDTH[ip.family] - prefix);
  return ip.bits >> beyond === address.bits >> beyond;
}

/** @returns whether all of a network lies in another, or is it. */
export function containsCidr(outer: Cidr, inner: Cidr): boolean {
  return outer.prefix <= inner.prefix && containsIp(outer, inner.address);
}

/** @returns the network with its bits beyond the prefix set to 0. */
export function masked({ address, prefix }: Cidr): Cidr {
  const beyond = BigInt(WIDTH[address.family] - prefix);
  return new Cidr(new IpAddress(address.family, (address.bits >> beyond) << beyond), prefix);
}
