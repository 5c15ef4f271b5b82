import * as z from "zod";
import type { Diagnostic, Span } from "../../diagnostics/diagnostic.ts";
import { wrongType } from "../../diagnostics/messages/schema.ts";
import type { YamlMap, YamlNode } from "../yaml/node.ts";

/** A part of a JSON Schema, as editors read it. */
export type JsonSchema = { readonly [key: string]: unknown };

/** A value that could not be read: what to say, and what may stand there while the rest of the file is judged. */
export class Refused<T> {
  readonly diagnostics: readonly Diagnostic[];
  readonly stopgap: T;
  /** Nothing else depends on it: a name that is only misspelt, a description. */
  readonly harmless: boolean;
  constructor(diagnostics: readonly Diagnostic[], stopgap: T, { harmless = false } = {}) {
    this.diagnostics = diagnostics;
    this.stopgap = stopgap;
    this.harmless = harmless;
  }
}

/** Stands in a tree where a value was refused: the place at that path takes it without a word. */
export class Stopgap {
  readonly value: unknown;
  constructor(value: unknown) {
    this.value = value;
  }
}

/** What a schema is handed: a node of the file, nothing (the key is missing), or what was put in the place of a refused value. */
export type Input = YamlNode | Stopgap | undefined;

/** What travels in a zod issue of ours. */
export interface Problem {
  readonly kind: "missing" | "refused";
  /** refused: what to say; nothing when it was said already. */
  readonly diagnostics: readonly Diagnostic[];
  /** What else there is may be judged as if this were well. */
  readonly harmless?: boolean;
  /** missing: how the value is written. */
  readonly example: string;
  /** What may stand there; `span` is where the value is, or would be. */
  readonly replacement: (span: Span) => YamlNode | Stopgap;
}

export interface PlaceOptions<T> {
  readonly json: JsonSchema;
  /** How the value is written, for `add key: …` when it is missing. */
  readonly example: string;
  /** Judges a node that the file has; one that is broken already is not handed over. */
  read(node: YamlNode): T | Refused<T>;
  /** What may stand there when the key is missing or broken, so that the rest can be judged. */
  stopgap(span: Span): T;
}

/**
 * A leaf of the schema: reads one node and keeps its place in the file. zod carries it like any other type, so that objects, lists,
 * defaults and JSON Schema are zod's.
 */
export function place<T>(options: PlaceOptions<T>) {
  const replacement = (span: Span) => new Stopgap(options.stopgap(span));
  const read = (input: unknown, context: z.core.ParsePayload): T => {
    // Schemas of this folder are only ever handed nodes: see `validate`.
    const node = input as Input;
    // Made by the `stopgap` or `read` of this same place.
    if (node instanceof Stopgap) return node.value as T;
    if (node === undefined)
      return refuse(context, { kind: "missing", diagnostics: [], example: options.example, replacement });
    if (isBroken(node)) return refuse(context, { kind: "refused", diagnostics: [], example: "", replacement });
    const result = options.read(node);
    if (!(result instanceof Refused)) return result;
    const { diagnostics, stopgap, harmless } = result;
    const kept = () => new Stopgap(stopgap);
    return refuse(context, { kind: "refused", diagnostics, harmless, example: "", replacement: kept });
  };
  return z.transform(read).meta(options.json);
}

/** A map with fixed keys. `nothing: "empty"`: the key alone, without a value, stands for a map without keys. */
export function map<S extends z.core.$ZodLooseShape>(
  description: string,
  shape: S,
  options: { readonly nothing?: "empty" } = {},
) {
  const required = Object.keys(shape).filter((key) => !isOptional(shape[key]));
  const alone = options.nothing === "empty" ? { type: ["object", "null"] } : {};
  const object = z.strictObject(shape).meta({ description, ...alone, ...(required.length === 0 ? {} : { required }) });
  const fields = (input: unknown, context: z.core.ParsePayload): unknown => {
    const node = input as Input; // as in `place`
    if (node === undefined || node instanceof Stopgap) return undefined;
    if (node.kind === "map") return recordOf(node);
    if (options.nothing === "empty" && isNothing(node)) return Object.create(null);
    const diagnostics = isBroken(node) ? [] : [wrongType(node.span, "a map of keys", found(node), undefined)];
    const replacement = (span: Span) => ({ kind: "map", span, entries: [] }) as const;
    return refuse(context, { kind: "refused", diagnostics, example: "", replacement });
  };
  return z.preprocess(fields, object);
}

function isOptional(schema: unknown): boolean {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodExactOptional || schema instanceof z.ZodDefault;
}

/** Null prototype: a key `__proto__` is a key like any other. */
function recordOf(node: YamlMap): Record<string, YamlNode> {
  const record: Record<string, YamlNode> = Object.create(null);
  for (const { key, value } of node.entries) record[key.name] = value;
  return record;
}

function refuse(context: z.core.ParsePayload, problem: Problem): never {
  context.issues.push({ code: "custom", input: context.value, params: { problem } });
  return z.NEVER;
}

/** @returns what to say where a list is due. */
export function notAList(node: YamlNode): Diagnostic {
  const word = node.kind === "scalar" && /^[^\n]+$/.test(node.source.text) ? node.source.text : undefined;
  return wrongType(
    node.span,
    "a list",
    found(node),
    word === undefined ? "begin each item with `- `" : `write \`[${word}]\``,
  );
}

/** @returns whether something was said about this node already. */
export function isBroken(node: YamlNode): boolean {
  return node.kind === "scalar" && node.broken;
}

/** @returns whether a key stands alone: `respond:` and nothing after it. */
export function isNothing(node: YamlNode): boolean {
  return node.kind === "scalar" && node.value === null && node.source.text === "";
}

/** A longer value is not repeated in a message. */
const MAX_SHOWN_LENGTH = 40;

/** @returns what a node is, in words. */
export function found(node: YamlNode): string {
  if (node.kind === "map") return "a map";
  if (node.kind === "list") return "a list";
  if (isNothing(node)) return "nothing";
  const { text } = node.source;
  if (text === "") return "an empty text";
  const shown = text.length > MAX_SHOWN_LENGTH || text.includes("\n") ? "" : ` \`${text}\``;
  switch (typeof node.value) {
    case "bigint":
    case "number":
      return `the number${shown}`;
    case "string":
      return `the text${shown}`;
    default:
      return `\`${text}\``;
  }
}

/** @returns what `each` makes of the items; one refused item does not cost the others. */
export function readEach<I, T>(
  all: readonly I[],
  each: (item: I) => T | Refused<unknown>,
): readonly T[] | Refused<readonly T[]> {
  const values: T[] = [];
  const diagnostics: Diagnostic[] = [];
  let refused = false;
  for (const item of all) {
    const result = each(item);
    if (result instanceof Refused) {
      refused = true;
      diagnostics.push(...result.diagnostics);
    } else {
      values.push(result);
    }
  }
  return refused ? new Refused(diagnostics, values) : values;
}
