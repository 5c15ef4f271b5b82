import { readFileSync } from "node:fs";
import { formatDuration, formatTimestamp, parseDuration, parseTimestamp } from "../../src/attribute/json.ts";
import type { AttributeSource } from "../../src/attribute/source.ts";
import type { CelType, SimpleKind } from "../../src/attribute/type.ts";
import {
  ABSENT,
  type CelValue,
  Duration,
  Invalid,
  Optional,
  type Outcome,
  Timestamp,
  TypeValue,
  Uint,
} from "../../src/attribute/value.ts";
import type { Scope } from "../../src/expression/compile.ts";
import { compileExpression, createFrame, link } from "../../src/expression/index.ts";

/** Expressions judged by cel-go: test/data/cel-go/README.md says what a line holds. */
export interface OracleCase {
  readonly id: string;
  readonly e: string;
  readonly type?: string;
  readonly fail?: Readonly<Record<string, unknown>>;
  readonly runs?: readonly OracleRun[];
}

interface OracleRun {
  readonly a: number;
  readonly v?: Typed;
  readonly err?: string;
  readonly other?: unknown;
  readonly unordered?: boolean;
}

/** A value as the data writes it: one key, the type. */
export type Typed = Readonly<Record<string, unknown>>;

interface Activation {
  readonly a: number;
  readonly vars: Readonly<Record<string, Typed>>;
}

/** How far one case agrees: `check` when it is refused at load, `value` when an evaluation differs. */
export type Verdict =
  | { readonly agrees: true }
  | { readonly agrees: false; readonly at: "check" | "value"; readonly why: string };

const AGREES: Verdict = { agrees: true };

/** The cases, requests and vocabulary of one folder. */
export class Oracle {
  readonly #activations: readonly Activation[];
  readonly #scope: Scope;
  readonly #slots: ReadonlyMap<string, number>;

  constructor(folder: string) {
    const vocabulary: { attributes: Record<string, string>; extras: Record<string, string> } = JSON.parse(
      readFileSync(`${folder}/vocabulary.json`, "utf8"),
    );
    this.#activations = readLines(`${folder}/activations.ndjson`);
    const names = { ...vocabulary.attributes, ...vocabulary.extras };
    this.#scope = {
      attributes: new Map(Object.entries(names).map(([name, type]) => [name, readType(type)])),
      definitions: new Map(),
    };
    this.#slots = new Map(Object.keys(names).map((name, slot) => [name, slot]));
  }

  judge(one: OracleCase): Verdict {
    const compiled = compileExpression(one.e, this.#scope, "any");
    if (one.fail) return compiled.ok ? { agrees: false, at: "check", why: "should be refused" } : AGREES;
    if (!compiled.ok)
      return { agrees: false, at: "check", why: `${compiled.problem.code} ${compiled.problem.message}` };
    const slotOf = (name: string): number => this.#slots.get(name) ?? Number.NaN;
    const evaluate = link(structuredClone(compiled.plan), { slotOf });
    for (const run of one.runs ?? []) {
      if (run.other !== undefined) continue;
      const source = this.#source(run.a);
      const outcome = evaluate(createFrame({ source, slots: this.#slots.size, derived: [], record: false }));
      const why = difference(outcome, run);
      if (why !== undefined) return { agrees: false, at: "value", why: `activation ${run.a}: ${why}` };
    }
    return AGREES;
  }

  #source(activation: number): AttributeSource {
    // A request may have an attribute named `constructor`.
    const vars = new Map(Object.entries(this.#activations.find((one) => one.a === activation)?.vars ?? {}));
    const values = [...this.#slots.keys()].map(
      (name): Outcome => (vars.has(name) ? read(vars.get(name) ?? {}) : ABSENT),
    );
    const at = (slot: number): Outcome => values[slot] ?? (values[slot] === null ? null : ABSENT);
    return {
      read: at,
      readKey: (slot, key) => {
        const map = at(slot);
        if (!(map instanceof Map)) return ABSENT;
        return map.has(key) ? map.get(key) : ABSENT;
      },
      entries: (slot) => {
        const map = at(slot);
        return map instanceof Map ? map : ABSENT;
      },
    };
  }
}

export function readLines<T>(file: string): readonly T[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** What cel-go calls an error, we call absent where an attribute or key is not there. */
function difference(outcome: Outcome, run: OracleRun): string | undefined {
  if (outcome === ABSENT || outcome instanceof Invalid) {
    const ours = outcome === ABSENT ? "absent" : outcome.reason;
    return run.v === undefined ? undefined : `${ours}, expected ${JSON.stringify(run.v)}`;
  }
  const ours = canonical(write(outcome), run.unordered === true);
  const theirs = run.v === undefined ? undefined : canonical(run.v, run.unordered === true);
  return ours === theirs ? undefined : `${ours}, expected ${theirs ?? run.err}`;
}

function canonical(value: Typed, unordered: boolean): string {
  const [[kind = "", inner] = []] = Object.entries(value);
  if (kind === "list" && Array.isArray(inner)) {
    const items = inner.map((item: Typed) => canonical(item, unordered));
    return `list[${(unordered ? items.sort() : items).join()}]`;
  }
  if (kind === "map" && Array.isArray(inner)) {
    const entries = inner.map(
      ([key, item]: [Typed, Typed]) => `${canonical(key, unordered)}=${canonical(item, unordered)}`,
    );
    return `map{${entries.sort().join()}}`;
  }
  if (kind === "double") return `double ${Object.is(Number(inner), -0) ? "-0" : Number(inner)}`;
  if (kind === "optional") return `optional ${inner === null ? "none" : canonical(inner as Typed, unordered)}`;
  return JSON.stringify(value);
}

function readType(text: string): CelType {
  const [, kind, inside = ""] = /^(\w+)\((.*)\)$/.exec(text) ?? [];
  if (kind === "list") return { kind: "list", element: readType(inside) };
  const [, key = "", value = ""] = /^(\w+),(.*)$/.exec(inside) ?? [];
  if (kind === "map") return { kind: "map", key: readType(key), value: readType(value) };
  // The data's own names are ours.
  return { kind: text as SimpleKind };
}

function read(value: Typed): CelValue {
  const [[kind = "", inner] = []] = Object.entries(value);
  const text = String(inner);
  switch (kind) {
    case "null":
      return null;
    case "bool":
      return inner === true;
    case "int":
      return BigInt(text);
    case "uint":
      return new Uint(BigInt(text));
    case "double":
      return Number(text);
    case "string":
      return text;
    case "bytes":
      return new Uint8Array(Buffer.from(text, "base64"));
    case "timestamp":
      return new Timestamp(parseTimestamp(text) ?? 0n);
    case "duration":
      return new Duration(parseDuration(text) ?? 0n);
    case "type":
      return new TypeValue(text);
    case "list":
      return (inner as Typed[]).map(read);
    case "map":
      return new Map((inner as [Typed, Typed][]).map(([key, item]) => [read(key), read(item)]));
    default:
      throw new Error(`a value of kind ${kind}`);
  }
}

function write(value: CelValue): Typed {
  if (value === null) return { null: null };
  if (typeof value === "boolean") return { bool: value };
  if (typeof value === "bigint") return { int: value.toString() };
  if (typeof value === "number") return { double: Object.is(value, -0) ? "-0" : String(value) };
  if (typeof value === "string") return { string: value };
  if (value instanceof Uint) return { uint: value.value.toString() };
  if (value instanceof Timestamp) return { timestamp: formatTimestamp(value.nanos) };
  if (value instanceof Duration) return { duration: formatDuration(value.nanos) };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("base64") };
  if (value instanceof TypeValue) return { type: value.name };
  if (value instanceof Optional) return { optional: value.value === ABSENT ? null : write(value.value) };
  if (value instanceof Map) return { map: [...value].map(([key, item]) => [write(key), write(item)]) };
  return { list: (value as readonly CelValue[]).map(write) };
}
