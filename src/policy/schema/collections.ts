import type { Span } from "../../diagnostics/diagnostic.ts";
import { bucketOrder, duplicateItem, emptyCollection, wrongType } from "../../diagnostics/messages/schema.ts";
import type { AuthoredDefinition, AuthoredNamedExpression, AuthoredNamedText, Constant, Located } from "../authored.ts";
import type { YamlEntry, YamlMap, YamlNode } from "../yaml/node.ts";
import { DEFINITION_NAME, misspelt, type Spelling } from "./names.ts";
import { found, isBroken, isNothing, notAList, place, Refused, readEach } from "./place.ts";
import { readExpression, readPlainText, readText, readWord } from "./scalars.ts";

/** Places that hold many: maps with free keys and lists. One bad entry does not cost the others. */

const ANY_SCALAR = ["string", "number", "boolean"];

/** A map from names to CEL, in the order in which it was written. */
export function expressions(description: string, spelling: Spelling) {
  return place<readonly AuthoredNamedExpression[]>({
    json: mapSchema(description, spelling, { type: ANY_SCALAR, "x-weir": "cel" }),
    example: "{ name: … }",
    read: (node) =>
      readEntries(node, spelling, (name, value) => {
        const expression = readExpression(value);
        return expression instanceof Refused ? expression : { name, expression };
      }),
    stopgap: () => [],
  });
}

/** A map from names to text with `${CEL}`. */
export function texts(description: string, spelling: Spelling) {
  return place<readonly AuthoredNamedText[]>({
    json: mapSchema(description, spelling, { type: ANY_SCALAR, "x-weir": "text" }),
    example: "{ name: … }",
    read: (node) =>
      readEntries(node, spelling, (name, value) => {
        const text = readText(value);
        return text instanceof Refused ? text : { name, text };
      }),
    stopgap: () => [],
  });
}

/** `define:` — a string is CEL, a list or map is constants. */
export function definitions(description: string) {
  const constant = { type: ["array", "object"] };
  return place<readonly AuthoredDefinition[]>({
    json: mapSchema(description, DEFINITION_NAME, { anyOf: [{ type: ANY_SCALAR, "x-weir": "cel" }, constant] }),
    example: "{ name: … }",
    read: (node) => readEntries(node, DEFINITION_NAME, readDefinition),
    stopgap: () => [],
  });
}

function readDefinition(name: Located<string>, value: YamlNode): AuthoredDefinition | Refused<undefined> {
  if (value.kind !== "scalar") {
    const broken = brokenPart(value);
    return broken ? new Refused([], undefined) : { kind: "constant", name, value: constantOf(value) };
  }
  const expression = readExpression(value);
  return expression instanceof Refused ? expression : { kind: "expression", name, expression };
}

function brokenPart(node: YamlNode): boolean {
  if (node.kind === "scalar") return node.broken;
  return node.kind === "list" ? node.items.some(brokenPart) : node.entries.some(({ value }) => brokenPart(value));
}

/** @returns a node as plain data: integers are bigint, maps have no prototype. */
export function constantOf(node: YamlNode): Constant {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(constantOf);
  const record: Record<string, Constant> = Object.create(null);
  for (const { key, value } of node.entries) record[key.name] = constantOf(value);
  return record;
}

function mapSchema(description: string, { pattern }: Spelling, value: object) {
  const names = pattern === undefined ? {} : { propertyNames: { pattern: pattern.source } };
  return { type: "object", description, ...names, additionalProperties: value };
}

/** Reads a map with free keys, each spelled as it should be. */
function readEntries<T>(
  node: YamlNode,
  spelling: Spelling,
  each: (name: Located<string>, value: YamlNode) => T | Refused<unknown>,
): readonly T[] | Refused<readonly T[]> {
  if (node.kind !== "map") {
    return new Refused([wrongType(node.span, "a map of names", found(node), "write `name: …`, one on each line")], []);
  }
  return readEach(node.entries, ({ key, value }: YamlEntry) => {
    const name = { value: key.name, span: key.span };
    const wrong = misspelt(spelling, name);
    const read = each(name, value);
    if (wrong === undefined) return read;
    return new Refused([wrong, ...(read instanceof Refused ? read.diagnostics : [])], undefined);
  });
}

/** A list of names, each once. `atLeastOne` says what it is a list of. */
export function names(description: string, spelling: Spelling, atLeastOne?: string) {
  const { pattern, example } = spelling;
  const item = { type: "string", ...(pattern === undefined ? {} : { pattern: pattern.source }) };
  return place<readonly Located<string>[]>({
    json: listSchema(description, item, atLeastOne),
    example: `[${example}]`,
    read: (node) =>
      readList(node, atLeastOne, (value) => {
        const written = readPlainText(value, spelling.expected);
        if (written instanceof Refused) return written;
        const wrong = misspelt(spelling, written);
        return wrong === undefined ? written : new Refused([wrong], written);
      }),
    stopgap: () => [],
  });
}

/** A list of words, each once. */
export function words<const W extends string>(description: string, allowed: readonly [W, ...W[]], atLeastOne?: string) {
  return place<readonly Located<W>[]>({
    json: listSchema(description, { enum: allowed }, atLeastOne),
    example: `[${allowed[0]}]`,
    read: (node) => readList(node, atLeastOne, (value) => readWord(value, allowed)),
    stopgap: () => [],
  });
}

function listSchema(description: string, item: object, atLeastOne: string | undefined) {
  return {
    type: "array",
    description,
    items: item,
    uniqueItems: true,
    ...(atLeastOne === undefined ? {} : { minItems: 1 }),
  };
}

function readList<W extends string>(
  node: YamlNode,
  atLeastOne: string | undefined,
  each: (item: YamlNode) => Located<W> | Refused<Located<W>>,
): readonly Located<W>[] | Refused<readonly Located<W>[]> {
  if (node.kind !== "list") return new Refused([notAList(node)], []);
  if (node.items.length === 0 && atLeastOne !== undefined)
    return new Refused([emptyCollection(node.span, atLeastOne)], []);
  const seen = new Set<string>();
  return readEach(node.items, (item) => {
    const read = each(item);
    if (read instanceof Refused) return read;
    if (seen.has(read.value)) return new Refused([duplicateItem(read.span, read.value)], read);
    seen.add(read.value);
    return read;
  });
}

/** Upper bounds of a histogram, ascending. */
export interface Buckets {
  readonly bounds: readonly number[];
  readonly span: Span;
}

export function buckets(description: string) {
  return place<Buckets>({
    json: { type: "array", description, items: { type: "number" }, minItems: 1, uniqueItems: true },
    example: "[5, 10, 50]",
    read: readBuckets,
    stopgap: (span) => ({ bounds: [], span }),
  });
}

function readBuckets(node: YamlNode): Buckets | Refused<Buckets> {
  const nothing = { bounds: [], span: node.span };
  if (node.kind !== "list") return new Refused([notAList(node)], nothing);
  if (node.items.length === 0) return new Refused([emptyCollection(node.span, "bucket")], nothing);
  let before: { bound: number; text: string } | undefined;
  const bounds = readEach(node.items, (item) => {
    const bound = numberOf(item);
    if (bound === undefined || item.kind !== "scalar") {
      return new Refused(
        isBroken(item) ? [] : [wrongType(item.span, "a finite number", found(item), undefined)],
        undefined,
      );
    }
    const text = item.source.text;
    const wrong = before !== undefined && bound <= before.bound ? bucketOrder(item.span, text, before.text) : undefined;
    before = { bound, text };
    return wrong === undefined ? bound : new Refused([wrong], undefined);
  });
  return bounds instanceof Refused ? new Refused(bounds.diagnostics, nothing) : { bounds, span: node.span };
}

function numberOf(node: YamlNode): number | undefined {
  if (node.kind !== "scalar" || (typeof node.value !== "bigint" && typeof node.value !== "number")) return undefined;
  const value = Number(node.value);
  return Number.isFinite(value) ? value : undefined;
}

/** A list of rules; which kind each is, is found out one by one: see `kinds.ts`. */
export function rules(description: string, section: string) {
  return place<readonly YamlNode[]>({
    json: { type: "array", description, "x-weir-kinds": section },
    example: "[…]",
    read: (node) => (node.kind === "list" ? node.items : new Refused([notAList(node)], [])),
    stopgap: () => [],
  });
}

/** The settings of an adapter: any map; the adapter's own schema judges it. */
export function config(description: string) {
  return place<YamlMap | undefined>({
    json: { type: "object", description },
    example: "{}",
    read(node) {
      if (node.kind === "map") return node;
      return isNothing(node)
        ? undefined
        : new Refused([wrongType(node.span, "a map of keys", found(node), undefined)], undefined);
    },
    stopgap: () => undefined,
  });
}
