import { InvalidArgumentError, Option } from "commander";
import { type Address, isLocal, parseAddress } from "../wire/address.ts";
import { parseLimits, type WireLimits } from "../wire/limits.ts";

/** Every flag of a command that is also read from the environment, under the same name. */
export function setting(flags: string, description: string, variable: string): Option {
  return new Option(flags, description).env(variable);
}

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed.kind === "invalid") throw new InvalidArgumentError(parsed.problem);
  return parsed;
}

/** The admin pages are read by browsers and scrapers, which know no Unix sockets. */
export function tcpAddress(text: string): Extract<Address, { kind: "tcp" }> {
  const parsed = address(text);
  if (parsed.kind === "unix") throw new InvalidArgumentError("only HOST:PORT can be served here");
  return parsed;
}

/** The admin pages are for this machine alone. */
export function loopbackAddress(text: string): Extract<Address, { kind: "tcp" }> {
  const parsed = tcpAddress(text);
  if (isLocal(parsed)) return parsed;
  throw new InvalidArgumentError(
    "other machines can reach it, and the admin pages are for this one alone; --metrics-address serves health and metrics",
  );
}

/** @returns a parser of whole numbers within bounds. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(`write a whole number from ${min} to ${max}`);
  };
}

/** A flag that the environment can also turn off: `WEIR_X=no` must not mean yes. */
export function truth(text: string): boolean {
  if (["yes", "true", "1", "on"].includes(text.toLowerCase())) return true;
  if (["no", "false", "0", "off", ""].includes(text.toLowerCase())) return false;
  throw new InvalidArgumentError("write yes or no");
}

/** Limits of what comes over the wire; the option may be given more than once, the last word on each limit counts. */
export function limits(text: string, before: Partial<WireLimits> | undefined): Partial<WireLimits> {
  const given = parseLimits(text);
  if ("problem" in given) throw new InvalidArgumentError(given.problem);
  return { ...before, ...given };
}

/** For options that may be given more than once. */
export function gather(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}

export const OUTPUT_FORMATS = ["text", "json"] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export function outputOption(): Option {
  return new Option("-o, --output <format>", "text for people, json for programs")
    .choices(OUTPUT_FORMATS)
    .default("text");
}
