import { type CelType, formatType } from "../../attribute/type.ts";
import { type CelList, type CelMap, type CelValue, type Invalid, TypeValue, Uint } from "../../attribute/value.ts";
import { badFormatText, formatClause, formatCount } from "../../diagnostics/messages/expression.ts";
import { MAX_FORMAT_PRECISION } from "../limits.ts";
import { formatFixed, formatPlain, formatScientific } from "../number-text.ts";
import { showUtf8, toText } from "../strings.ts";
import type { Tree } from "../tree.ts";
import { compare, invalid, isList, isMap, typeName } from "../values.ts";
import type { WrittenCall, WrongArgument } from "./function-row.ts";

/** `"%s has %d".format([name, count])`: texts with clauses, each of which shows one value of a list. */

/** A format text taken apart: texts as they are, and clauses. */
export type FormatText =
  | { readonly ok: true; readonly pieces: readonly (string | Clause)[] }
  | { readonly ok: false; readonly reason: string };

/** `%s`, `%.3f`: how a value is shown. */
interface Clause {
  readonly letter: string;
  readonly way: Way;
  /** Decimals; read before every letter, and used by `f` and `e`. */
  readonly precision: number;
}

interface Way {
  /** What it shows: anything else is refused. */
  readonly kinds: ReadonlySet<CelType["kind"]>;
  /** @returns undefined for what has inside of it something that it does not show. */
  readonly show: (value: CelValue, precision: number) => string | undefined;
}

const NUMBERS: Way["kinds"] = new Set(["int", "uint", "double"]);
const SHOWABLE: Way["kinds"] = new Set([
  ...(["bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration"] as const),
  ...(["null", "type", "list", "map"] as const),
]);

const WAYS: ReadonlyMap<string, Way> = new Map<string, Way>([
  ["s", { kinds: SHOWABLE, show: showAny }],
  ["d", { kinds: NUMBERS, show: showAny }],
  ["f", { kinds: NUMBERS, show: (value, precision) => showDouble(asDouble(value), formatFixed, precision) }],
  ["e", { kinds: NUMBERS, show: (value, precision) => showDouble(asDouble(value), formatScientific, precision) }],
  ["b", { kinds: new Set(["int", "uint", "bool"]), show: (value) => showInBase(value, 2) }],
  ["o", { kinds: new Set(["int", "uint"]), show: (value) => showInBase(value, 8) }],
  ["x", { kinds: new Set(["int", "uint", "string", "bytes"]), show: showHexadecimal }],
  ["X", { kinds: new Set(["int", "uint", "string", "bytes"]), show: (value) => showHexadecimal(value).toUpperCase() }],
]);

/** Decimals where a clause has none. */
const USUAL_PRECISION = 6;

export function readFormat(text: string): FormatText {
  const pieces: (string | Clause)[] = [];
  for (let at = 0; at < text.length; ) {
    const percent = text.indexOf("%", at);
    if (percent !== at) pieces.push(text.slice(at, percent < 0 ? text.length : percent));
    if (percent < 0) break;
    if (text[percent + 1] === "%") {
      pieces.push("%");
      at = percent + 2;
      continue;
    }
    const letterAt = precisionEnd(text, percent + 1);
    const clause = readClause(text.slice(percent + 1, letterAt), text.codePointAt(letterAt));
    if (typeof clause === "string") return { ok: false, reason: clause };
    pieces.push(clause);
    at = letterAt + 1;
  }
  return { ok: true, pieces };
}

/** Behind the digits of `.12`, if there are any. */
function precisionEnd(text: string, start: number): number {
  if (text[start] !== ".") return start;
  let end = start + 1;
  while (end < text.length && text.charCodeAt(end) >= 0x30 && text.charCodeAt(end) <= 0x39) end++;
  return end;
}

/** @returns the clause, or in words why there is none. */
function readClause(precision: string, codePoint: number | undefined): Clause | string {
  if (codePoint === undefined) return `it ends after \`%${precision}\``;
  if (precision === ".") return "a precision has digits after the point";
  const decimals = precision === "" ? USUAL_PRECISION : Number(precision.slice(1));
  if (decimals > MAX_FORMAT_PRECISION) return `at most ${MAX_FORMAT_PRECISION} decimals are shown`;
  const letter = String.fromCodePoint(codePoint);
  const way = WAYS.get(letter);
  return way === undefined ? `there is no clause \`%${letter}\`` : { letter, way, precision: decimals };
}

const BAD_FORMAT = invalid("not a format text", "invalid argument");
const TOO_FEW = invalid("a format text that shows more values than there are", "invalid argument");
const WRONG_TYPE = invalid("a value that its format clause does not show", "invalid argument");

/** @returns the text with every clause replaced by the value of its place; values that no clause shows are left out. */
export function formatValues(text: FormatText, values: CelList): string | Invalid {
  if (!text.ok) return BAD_FORMAT;
  let formatted = "";
  let next = 0;
  for (const piece of text.pieces) {
    if (typeof piece === "string") {
      formatted += piece;
      continue;
    }
    const value = values[next++];
    if (value === undefined) return TOO_FEW;
    const shown = piece.way.kinds.has(kindOf(value)) ? piece.way.show(value, piece.precision) : undefined;
    if (shown === undefined) return WRONG_TYPE;
    formatted += shown;
  }
  return formatted;
}

const KINDS: ReadonlyMap<string, CelType["kind"]> = new Map<string, CelType["kind"]>([
  ...[...SHOWABLE].map((kind) => [kind, kind] as const),
  ["null_type", "null"],
  ["google.protobuf.Timestamp", "timestamp"],
  ["google.protobuf.Duration", "duration"],
]);

/** `optional`, which no clause shows, for whatever else there is. */
function kindOf(value: CelValue): CelType["kind"] {
  return KINDS.get(typeName(value)) ?? "optional";
}

function showAny(value: CelValue): string | undefined {
  if (!SHOWABLE.has(kindOf(value))) return undefined;
  if (value === null) return "null";
  if (typeof value === "number") return showDouble(value);
  if (value instanceof Uint8Array) return showUtf8(value);
  if (value instanceof TypeValue) return value.name;
  if (isList(value)) return showList(value);
  if (isMap(value)) return showMap(value);
  const text = toText(value);
  return typeof text === "string" ? text : undefined;
}

function showList(list: CelList): string | undefined {
  const shown = list.map(showAny);
  return shown.includes(undefined) ? undefined : `[${shown.join(", ")}]`;
}

/** In the order of its keys as texts: a map has none of its own. */
function showMap(map: CelMap): string | undefined {
  const entries: (readonly [key: string, entry: string])[] = [];
  for (const [key, value] of map) {
    const shown = [showAny(key), showAny(value)] as const;
    if (shown[0] === undefined || shown[1] === undefined) return undefined;
    entries.push([shown[0], `${shown[0]}: ${shown[1]}`]);
  }
  entries.sort(([a], [b]) => compare(a, b) ?? 0);
  return `{${entries.map(([, entry]) => entry).join(", ")}}`;
}

function asDouble(value: CelValue): number {
  return Number(value instanceof Uint ? value.value : value);
}

type Write = (value: number, precision: number) => string;

function showDouble(value: number, write: Write = formatPlain, precision = 0): string {
  return Number.isFinite(value) ? write(value, precision) : String(value);
}

/** Of an int, a uint or a bool. */
function showInBase(value: CelValue, base: number): string {
  if (typeof value === "bigint") return value.toString(base);
  return value instanceof Uint ? value.value.toString(base) : Number(value).toString(base);
}

function showHexadecimal(value: CelValue): string {
  if (typeof value === "string") return Buffer.from(value, "utf8").toString("hex");
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : showInBase(value, 16);
}

/** A format text and a list that are both written out are held against each other when they are loaded. */
export function checkFormat({ args: [text, list], typeOf }: WrittenCall): WrongArgument | undefined {
  if (text?.op !== "constant" || text.value.type !== "string" || list?.op !== "list") return undefined;
  const format = readFormat(text.value.value);
  if (!format.ok) return { at: text, finding: badFormatText(format.reason) };
  const clauses = format.pieces.filter((piece) => typeof piece !== "string");
  const { elements } = list;
  for (const [index, clause] of clauses.entries()) {
    const element = elements[index];
    const wrong = element && notShown(element, clause, typeOf);
    if (wrong) return { at: wrong, finding: formatClause(clause.letter, formatType(typeOf(wrong))) };
  }
  if (clauses.length === elements.length) return undefined;
  return { at: elements[clauses.length] ?? text, finding: formatCount(clauses.length, elements.length) };
}

/** @returns what a clause does not show: the value, or in what is written out of it. */
function notShown(tree: Tree, { letter, way }: Clause, typeOf: WrittenCall["typeOf"]): Tree | undefined {
  const find = (inner: Tree): Tree | undefined => {
    const { kind } = typeOf(inner);
    if (kind !== "dyn" && !way.kinds.has(kind)) return inner;
    if (letter !== "s") return undefined;
    if (inner.op === "list") return firstOf(inner.elements, find);
    return inner.op === "map" ? firstOf(inner.entries.flat(), find) : undefined;
  };
  return find(tree);
}

function firstOf(trees: readonly Tree[], find: (tree: Tree) => Tree | undefined): Tree | undefined {
  for (const tree of trees) {
    const found = find(tree);
    if (found) return found;
  }
  return undefined;
}
