import type { Span } from "../../diagnostics/diagnostic.ts";
import { commentCut } from "../../diagnostics/messages/document.ts";
import {
  badDuration,
  durationOutOfRange,
  emptyExpression,
  emptyText,
  laterWord,
  outOfRange,
  unknownWord,
  wrongType,
} from "../../diagnostics/messages/schema.ts";
import { suggest } from "../../diagnostics/suggest.ts";
import type { Located, SourceText } from "../authored.ts";
import { endsInsideQuotes } from "../yaml/line-value.ts";
import type { YamlNode, YamlScalar } from "../yaml/node.ts";
import { noSource } from "../yaml/source-text.ts";
import { found, isNothing, place, Refused } from "./place.ts";

/** Places that hold one scalar: an expression, a text, a word, a number, a time. */

const ANY_SCALAR = ["string", "number", "boolean"];

/** CEL: the scalar's source text, whatever YAML type it resolves to. Undefined only where it could not be read. */
export function cel(description: string) {
  return place<SourceText | undefined>({
    json: { type: ANY_SCALAR, description, "x-weir": "cel" },
    example: "…",
    read: readExpression,
    stopgap: () => undefined,
  });
}

/** @returns the expression that a node holds. */
export function readExpression(node: YamlNode): SourceText | Refused<undefined> {
  if (node.kind !== "scalar") {
    return new Refused(
      [wrongType(node.span, "an expression", found(node), "if this is CEL, quote it or put it after `|`")],
      undefined,
    );
  }
  if (node.broken) return new Refused([], undefined);
  if (node.source.text.trim() === "") return new Refused([emptyExpression(node.span)], undefined);
  const cut = commentIn(node, endsInsideQuotes);
  return cut === undefined ? node.source : new Refused([cut], undefined);
}

/** Text with `${CEL}`, `""` included. */
export function text(description: string) {
  return place<SourceText>({
    json: { type: ANY_SCALAR, description, "x-weir": "text" },
    example: "…",
    read: readText,
    stopgap: noSource,
  });
}

/** @returns the text that a node holds. */
export function readText(node: YamlNode): SourceText | Refused<SourceText> {
  const stopgap = noSource(node.span);
  if (node.kind !== "scalar") return new Refused([wrongType(node.span, "a text", found(node), undefined)], stopgap);
  if (node.broken) return new Refused([], stopgap);
  if (isNothing(node)) return new Refused([emptyText(node.span)], stopgap);
  const cut = commentIn(node, endsInsideExpression);
  return cut === undefined ? node.source : new Refused([cut], stopgap);
}

/** A plain scalar that ` #` ended in the middle of something quoted. */
function commentIn(node: YamlScalar, isCut: (text: string) => boolean) {
  const { comment } = node;
  if (comment === undefined || !isCut(node.source.text)) return undefined;
  return commentCut({ file: node.span.file, start: comment.at, end: comment.at + 1 }, comment.quoted);
}

function endsInsideExpression(written: string): boolean {
  const open = written.lastIndexOf("${");
  return open !== -1 && !written.includes("}", open);
}

/** Words for people, shown as they are. */
export function prose(description: string) {
  return place<string>({
    json: { type: "string", description },
    example: "…",
    read(node) {
      const source = readText(node);
      return source instanceof Refused ? new Refused(source.diagnostics, "", { harmless: true }) : source.text;
    },
    stopgap: () => "",
  });
}

/** One of a few words; `later` are those that the documentation names already, `stopgap` stands for one that could not be read. */
export function word<const W extends string>(
  description: string,
  words: readonly [W, ...W[]],
  { later = [], stopgap = words[0] }: { readonly later?: readonly string[]; readonly stopgap?: W } = {},
) {
  return place<Located<W>>({
    json: { enum: words, description },
    example: words.length > 3 ? words[0] : words.join("` or `"),
    read(node) {
      const read = readWord(node, words, later);
      return read instanceof Refused ? new Refused(read.diagnostics, { value: stopgap, span: node.span }) : read;
    },
    stopgap: (span) => ({ value: stopgap, span }),
  });
}

/** @returns the word that a node holds. */
export function readWord<W extends string>(
  node: YamlNode,
  words: readonly [W, ...W[]],
  later: readonly string[] = [],
): Located<W> | Refused<Located<W>> {
  const stopgap: Located<W> = { value: words[0], span: node.span };
  if (node.kind !== "scalar" || isNothing(node)) {
    const expected = `one of ${words.map((each) => `\`${each}\``).join(", ")}`;
    return new Refused(
      [wrongType(node.span, words.length === 1 ? `\`${words[0]}\`` : expected, found(node), undefined)],
      stopgap,
    );
  }
  if (node.broken) return new Refused([], stopgap);
  const written = node.source.text;
  const known = words.find((each) => each === written);
  if (known !== undefined) return { value: known, span: node.span };
  if (later.includes(written)) return new Refused([laterWord(node.span, written, words)], stopgap);
  return new Refused([unknownWord(node.span, written, suggest(written, words), words)], stopgap);
}

/** `true` or `false`. */
export function flag(description: string) {
  return place<boolean>({
    json: { type: "boolean", description },
    example: "true",
    read(node) {
      if (node.kind === "scalar" && typeof node.value === "boolean") return node.value;
      const guess =
        node.kind === "scalar" && /^(yes|on|y|1)$/i.test(node.source.text) ? "write `true`" : "write `true` or `false`";
      const help = node.kind === "scalar" && /^(no|off|n|0)$/i.test(node.source.text) ? "write `false`" : guess;
      return new Refused([wrongType(node.span, "`true` or `false`", found(node), help)], false);
    },
    stopgap: () => false,
  });
}

/** Beyond it JSON's numbers are not exact, and editors are told no bound. */
const MAX_EXACT = BigInt(Number.MAX_SAFE_INTEGER);

/** A whole number between two bounds, both included. */
export function integer(description: string, min: bigint, max: bigint) {
  return place<Located<bigint>>({
    json: { type: "integer", minimum: Number(min), ...(max <= MAX_EXACT ? { maximum: Number(max) } : {}), description },
    example: String(min > 0n ? min : 0n),
    read(node) {
      const stopgap = { value: min, span: node.span };
      if (node.kind !== "scalar" || typeof node.value !== "bigint") {
        const help =
          node.kind === "scalar" && /^["']?\d+["']?$/.test(node.source.text) ? "write it without quotes" : undefined;
        return new Refused([wrongType(node.span, "a whole number", found(node), help)], stopgap);
      }
      if (node.value >= min && node.value <= max) return { value: node.value, span: node.span };
      return new Refused([outOfRange(node.span, node.source.text, `from ${min} to ${max}`)], stopgap);
    },
    stopgap: (span) => ({ value: min, span }),
  });
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  y: 365 * 86_400_000,
};
const DURATION = /^(\d{1,15})(ms|s|m|h|d|y)$/;

/** A length of time with its unit, `30s`, between two bounds written the same way. Milliseconds. */
export function duration(description: string, min: string, max: string) {
  const least = milliseconds(min) ?? 0;
  const most = milliseconds(max) ?? Number.MAX_SAFE_INTEGER;
  return place<number>({
    json: { type: "string", pattern: DURATION.source, description },
    example: "1m",
    read(node) {
      if (node.kind !== "scalar" || isNothing(node)) {
        return new Refused([wrongType(node.span, "a duration", found(node), "write for example `30s`")], least);
      }
      const written = node.source.text;
      const value = milliseconds(written);
      if (value === undefined) return new Refused([badDuration(node.span, written)], least);
      return value >= least && value <= most
        ? value
        : new Refused([durationOutOfRange(node.span, written, min, max)], least);
    },
    stopgap: () => least,
  });
}

function milliseconds(written: string): number | undefined {
  const [, digits, unit] = DURATION.exec(written) ?? [];
  const factor = UNIT_MS[unit ?? ""];
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}

/** @returns the text of a node that is text to YAML too, for names. */
export function readPlainText(node: YamlNode, expected: string): Located<string> | Refused<Located<string>> {
  const stopgap = { value: "", span: node.span };
  if (node.kind === "scalar" && node.broken) return new Refused([], stopgap);
  if (node.kind === "scalar" && typeof node.value === "string") return { value: node.value, span: node.span };
  const help = node.kind === "scalar" && !isNothing(node) ? `quote it: \`"${node.source.text}"\`` : undefined;
  return new Refused([wrongType(node.span, expected, found(node), help)], stopgap);
}

/** @returns what stands for a name that is missing: `""`, at the place where it would be. */
export function noName(span: Span): Located<string> {
  return { value: "", span };
}
