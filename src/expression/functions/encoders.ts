import { type CelValue, Invalid, Optional, type Outcome, TypeValue } from "../../attribute/value.ts";
import { readJson } from "../json-reader.ts";
import { writeJson } from "../json-writer.ts";
import { parseDouble, parseInt64, parseUint64 } from "../number-text.ts";
import { trim } from "../strings.ts";
import { parseDuration, parseTimestamp } from "../time.ts";
import { CHARACTERS_PER_UNIT, invalid, isFailure, isList, isMap, NO_OVERLOAD, NONE } from "../values.ts";
import type { Apply, FunctionRow } from "./function-row.ts";

/** No part of these can take what another one takes. */
const BASE64 = /^[A-Za-z0-9+/]*(={0,2})$/;
const BASE64_URL = /^[A-Za-z0-9_-]*(={0,2})$/;
const NOT_BASE64 = invalid("not Base64", "invalid base64");
/** Reading JSON makes a value of as little as two characters, as in `[1,1,1]`, and an empty map of three. */
const VALUES_PER_READ_UNIT = CHARACTERS_PER_UNIT / 2;
const STEPS_PER_READ_UNIT = CHARACTERS_PER_UNIT;
/** Of what a short text holds, all may have to be escaped. */
const STEPS_PER_WRITTEN_UNIT = 8;
/** A control character is written as six. */
const MAX_ESCAPED = 6;

/** CEL's extension for Base64 and JSON. cel-go's YAML is left out: what a YAML text stands for is not bounded by its length. */
export const ENCODERS: readonly FunctionRow[] = [
  {
    name: "base64.encode",
    signatures: ["base64.encode(bytes): string"],
    doc: "Bytes as Base64, padded.",
    cost: (bytes) => bytes,
    resultSize: (bytes) => 2 * bytes,
    apply: encoding("base64"),
  },
  {
    name: "base64.decode",
    signatures: ["base64.decode(string): bytes"],
    doc: "The bytes of Base64, padded or not; anything else is an error.",
    cost: (text) => 2 * text,
    resultSize: (text) => text,
    apply: decoding(BASE64),
  },
  {
    name: "base64.encodeUrl",
    signatures: ["base64.encodeUrl(bytes): string"],
    doc: "Bytes as Base64 for URLs, with `-` and `_`, padded.",
    cost: (bytes) => bytes,
    resultSize: (bytes) => 2 * bytes,
    apply: encoding("base64url"),
  },
  {
    name: "base64.decodeUrl",
    signatures: ["base64.decodeUrl(string): bytes"],
    doc: "The bytes of Base64 for URLs, padded or not; anything else is an error.",
    cost: (text) => 2 * text,
    resultSize: (text) => text,
    apply: decoding(BASE64_URL),
  },
  {
    name: "json.encode",
    signatures: ["json.encode(dyn): string"],
    doc: "A value as JSON: large integers as texts, bytes as Base64, the keys of a map in order.",
    cost: (value) => STEPS_PER_WRITTEN_UNIT * value,
    deep: true,
    resultSize: (value) => MAX_ESCAPED * value,
    apply: writeJson,
  },
  {
    name: "json.parse",
    signatures: ["json.parse(string): optional(dyn)", "json.parse(string, type(T)): optional(T)"],
    doc: "The value of a JSON text, or `optional.none()` when it is none, or not of the type.",
    cost: (text) => STEPS_PER_READ_UNIT * text,
    resultSize: (text) => VALUES_PER_READ_UNIT * text,
    apply: (text, type) => (type instanceof TypeValue ? parse(text, READERS.get(type.name)) : NO_OVERLOAD),
    prepare: ({ length }) => (length === 1 ? { apply: (text) => parse(text, readAny) } : undefined),
  },
];

/** Node leaves the padding of `base64url` away. */
function encoding(alphabet: "base64" | "base64url"): Apply {
  return (bytes) => {
    if (!(bytes instanceof Uint8Array)) return NO_OVERLOAD;
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(alphabet);
    return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
  };
}

/** Line ends may stand anywhere, as in mail; bits that the last character has too many are ignored. */
function decoding(alphabet: RegExp): Apply {
  return (text) => (typeof text === "string" ? decode(text, alphabet) : NO_OVERLOAD);
}

function decode(text: string, alphabet: RegExp): Uint8Array | Invalid {
  const characters = text.replace(/[\r\n]+/g, "");
  const [, padding] = alphabet.exec(characters) ?? [];
  if (padding === undefined) return NOT_BASE64;
  const rest = (characters.length - padding.length) % 4;
  const isWhole = padding === "" ? rest !== 1 : rest + padding.length === 4;
  return isWhole ? new Uint8Array(Buffer.from(characters, "base64")) : NOT_BASE64;
}

/** What a text is as a value of a type; undefined when it is none. */
type Reader = (text: string) => CelValue | Invalid | undefined;

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["bool", ofScalar((value) => typeof value === "boolean")],
  ["string", (text) => readQuoted(text) ?? readString(text)],
  ["null_type", ofScalar((value) => value === null)],
  ["list", (text) => ofJson(text, isList, [])],
  ["map", (text) => ofJson(text, isMap, new Map())],
  ["int", (text) => valid(parseInt64(trim(text)))],
  ["uint", (text) => valid(parseUint64(trim(text)))],
  ["double", (text) => readDouble(trim(text))],
  ["bytes", inString((text) => decode(text, BASE64))],
  ["google.protobuf.Timestamp", inString(parseTimestamp)],
  ["google.protobuf.Duration", inString(parseDuration)],
]);

/** A JSON text; and as in cel-go whatever a number, a word or a text in quotes without escapes looks like, within any white space. */
function readAny(text: string): CelValue | Invalid | undefined {
  const scalar = readScalar(text);
  return scalar === undefined ? (readQuoted(text) ?? readJson(text)) : scalar;
}

const WORDS: ReadonlyMap<string, boolean | null> = new Map([
  ["true", true],
  ["false", false],
  ["null", null],
]);

function readScalar(text: string): CelValue | undefined {
  const trimmed = trim(text);
  const word = WORDS.get(trimmed);
  if (word !== undefined) return word;
  if (!/^[-0-9]/.test(trimmed)) return undefined;
  return valid(parseInt64(trimmed)) ?? readDouble(trimmed);
}

function ofScalar(test: (value: CelValue) => boolean): Reader {
  return (text) => {
    const value = readScalar(text);
    return value !== undefined && test(value) ? value : undefined;
  };
}

function readDouble(text: string): number | undefined {
  if (!/^[-0-9]/.test(text)) return undefined;
  const value = parseDouble(text);
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** What stands between the first and the last character. */
function readQuoted(text: string): string | undefined {
  const trimmed = trim(text);
  return trimmed.length >= 2 && trimmed.startsWith('"') && trimmed.endsWith('"') && !trimmed.includes("\\")
    ? trimmed.slice(1, -1)
    : undefined;
}

function readString(text: string): string | undefined {
  const value = readJson(text);
  return typeof value === "string" ? value : undefined;
}

function inString(read: (text: string) => Outcome): Reader {
  return (text) => {
    const string = readString(text);
    return string === undefined ? undefined : valid(read(string));
  };
}

/** As in cel-go every number inside is a double, and null is an empty one. */
function ofJson(text: string, test: (value: CelValue) => boolean, empty: CelValue): CelValue | undefined {
  const value = readJson(text);
  if (value === null) return empty;
  return value !== undefined && !(value instanceof Invalid) && test(value) ? withDoubles(value) : undefined;
}

function withDoubles(value: CelValue): CelValue {
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "object" || value === null) return value;
  if (isList(value)) return value.map(withDoubles);
  return isMap(value) ? new Map([...value].map(([key, item]) => [key, withDoubles(item)])) : value;
}

function valid(outcome: Outcome): CelValue | undefined {
  return isFailure(outcome) ? undefined : outcome;
}

function parse(text: CelValue, read: Reader | undefined): Outcome {
  if (typeof text !== "string") return NO_OVERLOAD;
  const value = read?.(text);
  if (value instanceof Invalid) return value;
  return value === undefined ? NONE : new Optional(value);
}
