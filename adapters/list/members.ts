import { toText, type Value } from "weir-mesh/adapter";
import { type Address, firstBits, parseAddress, parsePrefix } from "./address.ts";
import type { ListConfig } from "./config.ts";

/** Whether a value is on the list; undefined when it is nothing that could be. */
export type Members = (value: Value) => boolean | undefined;

export function members({ type, values }: ListConfig): Members {
  return type === "ip" ? addresses(values) : texts(values);
}

function texts(values: readonly string[]): Members {
  const known = new Set(values);
  return (value) => known.has(toText(value));
}

/** One set per length of prefix: as many look-ups as there are lengths on the list, however many values. */
function addresses(values: readonly string[]): Members {
  const byLength = new Map<number, Set<Address>>();
  for (const value of values) {
    const prefix = parsePrefix(value);
    // INVARIANT: the config's schema let no other value through.
    if (prefix === undefined) throw new Error(`\`${value}\` is no address`);
    const known = byLength.get(prefix.length);
    if (known) known.add(prefix.address);
    else byLength.set(prefix.length, new Set([prefix.address]));
  }
  return (value) => {
    const address = typeof value === "string" ? parseAddress(value) : undefined;
    if (address === undefined) return undefined;
    for (const [length, known] of byLength) if (known.has(firstBits(address, length))) return true;
    return false;
  };
}
