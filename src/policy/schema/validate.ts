import * as z from "zod";
import type { Diagnostic, Span } from "../../diagnostics/diagnostic.ts";
import { keyOfOtherKind, missingKey, unknownKey } from "../../diagnostics/messages/schema.ts";
import { suggest } from "../../diagnostics/suggest.ts";
import { entryOf, type YamlKey, type YamlMap, type YamlNode } from "../yaml/node.ts";
import { type Input, type Problem, Stopgap } from "./place.ts";

/** Mending a refused map may show that a key inside it is missing; nothing is nested deeper than a few maps. */
const MAX_MENDS = 8;

export interface Validation<T> {
  readonly value: T;
  readonly diagnostics: readonly Diagnostic[];
  /** Whether nothing on which something else depends had to be left out. */
  readonly complete: boolean;
}

/** Where a map stands, and what is known of it beyond its schema. */
export interface Standing {
  /** Where a missing key is reported: the rule's kind key, or the beginning of the file. */
  readonly owner: Span;
  /** The kind of rule, and which other kinds have a key. */
  readonly kind?: { readonly name: string; ownersOf(key: string): readonly string[] };
}

/**
 * Runs one schema over one map of a file. What is refused is told, and a stopgap takes its place, so that the caller always gets a value
 * whose other parts can be judged in the same run.
 */
export function validate<S extends z.ZodType>(schema: S, node: YamlNode, standing: Standing): Validation<z.output<S>> {
  const diagnostics: Diagnostic[] = [];
  let complete = true;
  let input: Input = node;
  for (let mends = 0; mends <= MAX_MENDS; mends++) {
    const result = schema.safeParse(input);
    if (result.success) return { value: result.data, diagnostics, complete };
    const { issues } = result.error;
    // What only shows after mending follows from what was told.
    if (mends === 0)
      diagnostics.push(...withoutEchoes(issues, schema).flatMap((issue) => explain(issue, schema, node, standing)));
    complete &&= issues.every((issue) => issue.code === "custom" && problemOf(issue).harmless === true);
    for (const issue of issues) input = mend(input, issue, standing.owner);
  }
  throw new Error("a schema refuses its own stopgaps");
}

type Issue = z.core.$ZodIssue;

/** `polcy:` is told as a misspelt key; that `policy` is missing then goes without saying. */
function withoutEchoes(issues: readonly Issue[], schema: z.ZodType): readonly Issue[] {
  const meant = new Set<string>();
  for (const issue of issues) {
    if (issue.code !== "unrecognized_keys") continue;
    const known = keysAt(schema, issue.path);
    for (const key of issue.keys) meant.add([...issue.path, suggest(key, known)].join("\n"));
  }
  if (meant.size === 0) return issues;
  return issues.filter(
    (issue) => issue.code !== "custom" || problemOf(issue).kind !== "missing" || !meant.has(issue.path.join("\n")),
  );
}

function explain(issue: Issue, schema: z.ZodType, root: YamlNode, standing: Standing): readonly Diagnostic[] {
  if (issue.code === "unrecognized_keys") {
    const map = nodeAt(root, issue.path);
    const known = keysAt(schema, issue.path);
    const places = new Map(map?.kind === "map" ? map.entries.map(({ key }) => [key.name, key.span]) : []);
    const here = issue.path.length === 0 ? standing : { owner: standing.owner };
    return issue.keys.map((key) => explainUnknown(key, places.get(key) ?? standing.owner, known, here));
  }
  const problem = problemOf(issue);
  if (problem.kind === "refused") return problem.diagnostics;
  const owner = ownerAt(root, issue.path, standing.owner);
  return [missingKey(owner, String(issue.path.at(-1)), problem.example)];
}

function explainUnknown(key: string, span: Span, known: readonly string[], { kind }: Standing): Diagnostic {
  const owners = kind?.ownersOf(key) ?? [];
  if (kind !== undefined && owners.length > 0) return keyOfOtherKind(span, key, kind.name, owners);
  return unknownKey(span, key, suggest(key, known), known);
}

/** Every issue of our own places carries a Problem; any other comes from a schema built out of something else. */
function problemOf(issue: Issue): Problem {
  // Put there by `refuse` in place.ts, the only one who makes custom issues.
  const problem = issue.code === "custom" ? (issue.params?.["problem"] as Problem | undefined) : undefined;
  if (problem === undefined) throw new Error(`an issue of an unknown kind: ${issue.code} at ${issue.path.join(".")}`);
  return problem;
}

/** @returns the input with what the issue is about taken out, or with a stopgap in its place. */
function mend(input: Input, issue: Issue, owner: Span): Input {
  if (issue.code === "unrecognized_keys") {
    const unknown = new Set(issue.keys);
    return replaceAt(input, issue.path, (node) => (isMap(node) ? withoutKeys(node, unknown) : node), owner);
  }
  const { replacement } = problemOf(issue);
  return replaceAt(input, issue.path, (_, span) => replacement(span), owner);
}

function isMap(node: Input): node is YamlMap {
  return node !== undefined && !(node instanceof Stopgap) && node.kind === "map";
}

function withoutKeys(map: YamlMap, keys: ReadonlySet<string>): YamlMap {
  return { ...map, entries: map.entries.filter((entry) => !keys.has(entry.key.name)) };
}

/** Copies the tree along a path and changes what is at its end; a missing key is added. */
function replaceAt(
  node: Input,
  path: readonly PropertyKey[],
  change: (node: Input, span: Span) => Input,
  span: Span,
): Input {
  const [step, ...rest] = path;
  if (step === undefined) return change(node, node === undefined || node instanceof Stopgap ? span : node.span);
  if (node === undefined || node instanceof Stopgap) return node;
  if (node.kind === "list") {
    const items = node.items.map((item, index) =>
      index === step ? asNode(replaceAt(item, rest, change, item.span)) : item,
    );
    return { ...node, items };
  }
  if (node.kind === "scalar") return node;
  const name = String(step);
  const entry = entryOf(node, name);
  const key: YamlKey = entry?.key ?? { name, span };
  const value = asNode(replaceAt(entry?.value, rest, change, key.span));
  const entries =
    entry === undefined
      ? [...node.entries, { key, value }]
      : node.entries.map((each) => (each === entry ? { key, value } : each));
  return { ...node, entries };
}

/** A tree being mended holds stopgaps where its type says nodes; only schemas ever look at it, and they know both. */
function asNode(input: Input): YamlNode {
  return input as YamlNode;
}

function nodeAt(root: YamlNode, path: readonly PropertyKey[]): YamlNode | undefined {
  let node: YamlNode | undefined = root;
  for (const step of path) {
    if (node?.kind === "map") node = entryOf(node, String(step))?.value;
    else if (node?.kind === "list" && typeof step === "number") node = node.items[step];
    else return undefined;
  }
  return node;
}

/** The key of the map in which the last step of a path is missing. */
function ownerAt(root: YamlNode, path: readonly PropertyKey[], owner: Span): Span {
  const mapPath = path.slice(0, -1);
  const parent = nodeAt(root, mapPath.slice(0, -1));
  const name = mapPath.at(-1);
  if (name === undefined || parent?.kind !== "map") return owner;
  return entryOf(parent, String(name))?.key.span ?? owner;
}

/** @returns the keys that a schema has for the map at a path. */
export function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[] = []): readonly string[] {
  const inner = unwrap(schema);
  const [step, ...rest] = path;
  if (inner instanceof z.ZodObject) {
    const shape: Readonly<Record<string, z.core.$ZodType>> = inner.shape;
    if (step === undefined) return Object.keys(shape);
    const next = shape[String(step)];
    return next === undefined ? [] : keysAt(next, rest);
  }
  return inner instanceof z.ZodArray ? keysAt(inner.element, rest) : [];
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  const outer =
    schema instanceof z.ZodExactOptional || schema instanceof z.ZodOptional || schema instanceof z.ZodDefault;
  if (outer) return unwrap(schema.def.innerType);
  return schema instanceof z.ZodPipe ? unwrap(schema.out) : schema;
}
