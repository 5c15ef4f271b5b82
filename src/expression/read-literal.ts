import * as messages from "../diagnostics/messages/expression.ts";
import type { Literal } from "./tree.ts";

export type ReadLiteral =
  | { readonly ok: true; readonly value: Literal }
  | { readonly ok: false; readonly finding: messages.Finding };

/** A literal as the parser has it, and its text: the parser takes integers beyond 64 bits, and bytes for characters. */
export function literalOf(value: unknown, text: string, negated: boolean): ReadLiteral {
  if (value === null) return read({ type: "null" });
  switch (typeof value) {
    case "boolean":
      return read({ type: "bool", value });
    case "string":
      return read({ type: "string", value });
    case "number":
      return read({ type: "double", value: negated ? -value : value });
    case "bigint":
      return int(negated ? -value : value, text, negated);
    default:
      if (value instanceof Uint8Array) return read({ type: "bytes", value: bytesOf(value, text) });
      return uint(value, text);
  }
}

function read(value: Literal): ReadLiteral {
  return { ok: true, value };
}

function int(value: bigint, text: string, negated: boolean): ReadLiteral {
  if (BigInt.asIntN(64, value) === value) return read({ type: "int", value });
  const help = `an int is at most 9223372036854775807${negated ? " and at least -9223372036854775808" : "; a uint is written with `u`"}`;
  return { ok: false, finding: messages.badNumber(text, help) };
}

/** The parser's own class of unsigned integers, which it does not export. */
function uint(value: object | undefined | symbol | ((...args: never) => unknown), text: string): ReadLiteral {
  const inner: unknown = typeof value === "object" && "value" in value ? value.value : undefined;
  if (typeof inner === "bigint" && BigInt.asUintN(64, inner) === inner) return read({ type: "uint", value: inner });
  return { ok: false, finding: messages.badNumber(text, "a uint is at most 18446744073709551615u") };
}

const BYTES_TEXT = /^[bB]("""|'''|"|')([\s\S]*)\1$/;
const BYTES_PART = /\\(?:[xX][0-9a-fA-F]{2}|[0-7]{3}|[\s\S])|[^\\]+/g;

/** Characters beyond ASCII are their UTF-8 bytes; the parser cuts them to one. */
function bytesOf(parsed: Uint8Array, text: string): Uint8Array {
  const body = BYTES_TEXT.exec(text)?.[2];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is looked for
  if (body === undefined || /^[\x00-\x7f]*$/.test(body)) return new Uint8Array(parsed);
  const parts = [...body.matchAll(BYTES_PART)].map(([part]) =>
    part.startsWith("\\") ? [escaped(part)] : [...Buffer.from(part, "utf8")],
  );
  return new Uint8Array(parts.flat());
}

const ESCAPES: ReadonlyMap<string, number> = new Map([
  ["a", 7],
  ["b", 8],
  ["f", 12],
  ["n", 10],
  ["r", 13],
  ["t", 9],
  ["v", 11],
]);

function escaped(part: string): number {
  const [, first = "", ...rest] = part;
  if (rest.length === 0) return ESCAPES.get(first) ?? first.charCodeAt(0);
  return /[xX]/.test(first) ? Number.parseInt(rest.join(""), 16) : Number.parseInt(first + rest.join(""), 8);
}
