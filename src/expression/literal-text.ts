import * as messages from "../diagnostics/messages/expression.ts";
import { type Problem, problem } from "./problem.ts";
import type { Token } from "./token.ts";
import type { Literal } from "./tree.ts";

export type ReadLiteral =
  | { readonly ok: true; readonly value: Literal }
  | { readonly ok: false; readonly problem: Problem };

/** @returns the value of a number or text as it is written; `negative` when a `-` stands before it. */
export function readLiteral(token: Token, negative = false): ReadLiteral {
  switch (token.kind) {
    case "int":
      return readInt(token, negative);
    case "uint":
      return readUint(token);
    case "double":
      return readDouble(token, negative);
    default:
      return readText(token);
  }
}

function read(value: Literal): ReadLiteral {
  return { ok: true, value };
}

function failed(finding: messages.Finding, start: number, end: number): ReadLiteral {
  return { ok: false, problem: problem(finding, [start, end]) };
}

function readInt(token: Token, negative: boolean): ReadLiteral {
  const value = negative ? -BigInt(token.text) : BigInt(token.text);
  if (BigInt.asIntN(64, value) === value) return read({ type: "int", value });
  const help = `an int is at most 9223372036854775807${negative ? " and at least -9223372036854775808" : "; a uint is written with `u`"}`;
  return failed(messages.badNumber(`${negative ? "-" : ""}${token.text}`, help), token.start, token.end);
}

function readUint(token: Token): ReadLiteral {
  const value = BigInt(token.text.slice(0, -1));
  if (BigInt.asUintN(64, value) === value) return read({ type: "uint", value });
  return failed(messages.badNumber(token.text, "a uint is at most 18446744073709551615u"), token.start, token.end);
}

function readDouble(token: Token, negative: boolean): ReadLiteral {
  const value = Number(token.text);
  if (Number.isFinite(value)) return read({ type: "double", value: negative ? -value : value });
  const written = `${negative ? "-" : ""}${token.text}`;
  return failed(messages.badNumber(written, "a double is at most 1.7976931348623157e308"), token.start, token.end);
}

function readText(token: Token): ReadLiteral {
  const [opening = "", prefix = "", quote = '"'] = OPENING.exec(token.text) ?? [];
  const start = token.start + opening.length;
  const body = token.text.slice(opening.length, -quote.length).replace(/\r\n?/g, "\n");
  const isBytes = token.kind === "bytes";
  const isAsWritten = !body.includes("\\") || /[rR]/.test(prefix);
  if (isAsWritten) return read(isBytes ? bytesOf(body) : { type: "string", value: body });
  const parts: (string | number)[] = [];
  for (const match of body.matchAll(PART)) {
    const part = match[0].startsWith("\\") ? unescaped(match[0], isBytes) : match[0];
    if (part === undefined)
      return failed(messages.badEscape(match[0]), start + match.index, start + match.index + match[0].length);
    parts.push(part);
  }
  if (!isBytes) return read({ type: "string", value: parts.map(inText).join("") });
  return read({ type: "bytes", value: new Uint8Array(Buffer.concat(parts.map(inBytes))) });
}

const OPENING = /^([bBrR]*)("""|'''|"|')/;
const PART = /[^\\]+|\\(?:[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}|[\s\S])/g;

const ESCAPES: ReadonlyMap<string, number> = new Map([
  ["a", 0x07],
  ["b", 0x08],
  ["f", 0x0c],
  ["n", 0x0a],
  ["r", 0x0d],
  ["t", 0x09],
  ["v", 0x0b],
  ...["\\", "?", '"', "'", "`"].map((sign) => [sign, sign.charCodeAt(0)] as const),
]);

const MAX_CODE_POINT = 0x10ffff;

/** @returns the code point, or byte, that an escape stands for; undefined for what is none. Bytes have no Unicode escapes. */
function unescaped(sequence: string, isBytes: boolean): number | undefined {
  const [, first = "", ...rest] = sequence;
  if (rest.length === 0) return ESCAPES.get(first);
  if (/[0-3]/.test(first)) return Number.parseInt(sequence.slice(1), 8);
  const value = Number.parseInt(rest.join(""), 16);
  if (/[xX]/.test(first)) return value;
  return isBytes || value > MAX_CODE_POINT || (value >= 0xd800 && value <= 0xdfff) ? undefined : value;
}

function inText(part: string | number): string {
  return typeof part === "string" ? part : String.fromCodePoint(part);
}

function inBytes(part: string | number): Uint8Array {
  return typeof part === "string" ? Buffer.from(part, "utf8") : Uint8Array.of(part);
}

function bytesOf(body: string): Literal {
  return { type: "bytes", value: new Uint8Array(Buffer.from(body, "utf8")) };
}
