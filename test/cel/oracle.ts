import { readFileSync } from "node:fs";
import type { AttributeSource } from "../../src/attribute/source.ts";
import { type CelType, formatType } from "../../src/attribute/type.ts";
import { ABSENT, Invalid, type Outcome } from "../../src/attribute/value.ts";
import { COMPARING_BUDGET } from "../../src/cli/eval-batch.ts";
import { readType as readTypeText } from "../../src/cli/type-text.ts";
import type { Compiled, CompileOptions, Scope } from "../../src/expression/compile.ts";
import type { LinkScope, RequestFrame } from "../../src/expression/frame.ts";
import { compileExpression, createFrame, link } from "../../src/expression/index.ts";
import { CEL_GO_BOUNDS } from "../../src/expression/limits.ts";
import type { ExpressionPlan } from "../../src/expression/tree.ts";
import { canonical, readTyped, type Typed, writeTyped } from "./typed-value.ts";

/** Expressions judged by cel-go: test/data/cel-go/README.md says what a line holds. */
export interface OracleCase {
  readonly id: string;
  readonly cat?: string;
  readonly e?: string;
  /** Pieces and how many times each: what is too long to be written out. */
  readonly parts?: readonly (readonly [text: string, times: number])[];
  readonly type?: string;
  readonly fail?: Readonly<Record<string, { readonly m?: string }>>;
  readonly runs?: readonly OracleRun[];
}

interface OracleRun {
  readonly a: number;
  readonly v?: Typed;
  readonly err?: string;
  readonly m?: string;
  readonly other?: unknown;
  readonly unordered?: boolean;
}

interface Activation {
  readonly a: number;
  readonly vars: Readonly<Record<string, Typed>>;
}

export const FILES = [
  ...["core", "optional", "strings", "math", "lists", "sets"],
  ...["encoders", "twovar", "network", "regex", "bindings", "hard"],
] as const;

export const ORACLE_FOLDER = new URL("../data/cel-go", import.meta.url).pathname;

/** What is counted: it type-checks or not, it is an error or not, its values, and (which nobody demands) its type. */
export type Aspect = "checks" | "errors" | "values" | "type";

export interface Disagreement {
  readonly aspect: Aspect;
  readonly ours: string;
  readonly theirs: string;
}

export interface Verdict {
  /** The aspects there are: what cel-go refuses has neither values nor errors. */
  readonly judged: readonly Aspect[];
  /** At most one of each aspect. What does not check here and does in cel-go has them all wrong. */
  readonly disagreements: readonly Disagreement[];
}

/** The cases, requests and vocabulary of one folder. */
export class Oracle implements LinkScope {
  readonly #activations: ReadonlyMap<number, Activation["vars"]>;
  readonly #scope: Scope;
  readonly #slots: ReadonlyMap<string, number>;
  readonly #sources = new Map<number, AttributeSource>();

  constructor(folder: string = ORACLE_FOLDER) {
    const vocabulary: { attributes: Record<string, string>; extras: Record<string, string> } = JSON.parse(
      readFileSync(`${folder}/vocabulary.json`, "utf8"),
    );
    this.#activations = new Map(readLines<Activation>(`${folder}/activations.ndjson`).map(({ a, vars }) => [a, vars]));
    // A vocabulary may have an attribute named `__proto__`.
    const names = new Map([...Object.entries(vocabulary.attributes), ...Object.entries(vocabulary.extras)]);
    this.#scope = {
      attributes: new Map([...names].map(([name, type]) => [name, readType(type)])),
      definitions: new Map(),
    };
    this.#slots = new Map([...names.keys()].map((name, slot) => [name, slot]));
  }

  compile(one: OracleCase): Compiled<ExpressionPlan> {
    return compileExpression(textOf(one), this.#scope, "any", optionsFor(one));
  }

  /** Steps that the evaluation of a plan takes for one of the requests. */
  stepsOf(plan: ExpressionPlan, activation: number): number {
    const budget = Number.MAX_SAFE_INTEGER;
    const frame = this.frameOf(activation, budget);
    link(plan, this)(frame);
    return budget - frame.budget;
  }

  slotOf(name: string): number {
    return this.#slots.get(name) ?? unknownName(name);
  }

  /** A fresh view of one of the requests. */
  frameOf(activation: number, budget = COMPARING_BUDGET): RequestFrame {
    const source = this.#source(activation);
    return createFrame({ source, slots: this.#slots.size, derived: [], record: false, budget });
  }

  judge(one: OracleCase): Verdict {
    const compiled = this.compile(one);
    if (one.fail) {
      if (!compiled.ok) return { judged: ["checks"], disagreements: [] };
      const theirs = Object.values(one.fail)[0]?.m ?? "refused";
      return { judged: ["checks"], disagreements: [{ aspect: "checks", ours: "checks", theirs }] };
    }
    const judged: readonly Aspect[] = ["checks", "errors", "values", "type"];
    const theirs = one.type ?? "dyn";
    if (!compiled.ok) {
      const ours = `${compiled.problem.code} ${compiled.problem.message}`;
      return { judged, disagreements: judged.map((aspect) => ({ aspect, ours, theirs })) };
    }
    const type = formatType(compiled.plan.type);
    const ofType: Disagreement[] = type === theirs ? [] : [{ aspect: "type", ours: type, theirs }];
    return { judged, disagreements: [...this.#runAll(one, compiled.plan), ...ofType] };
  }

  /** The first disagreement about an error, and the first about a value. */
  #runAll(one: OracleCase, plan: ExpressionPlan): readonly Disagreement[] {
    const evaluate = link(structuredClone(plan), this);
    const found = new Map<Aspect, Disagreement>();
    for (const run of one.runs ?? []) {
      if (run.other !== undefined) continue;
      const outcome = evaluate(this.frameOf(run.a));
      for (const one of differences(outcome, run)) if (!found.has(one.aspect)) found.set(one.aspect, one);
    }
    return [...found.values()];
  }

  #source(activation: number): AttributeSource {
    const known = this.#sources.get(activation);
    if (known) return known;
    // A request may have an attribute named `constructor`.
    const vars = new Map(Object.entries(this.#activations.get(activation) ?? {}));
    const source = sourceOf(
      [...this.#slots.keys()].map((name): Outcome => {
        const value = vars.get(name);
        return value === undefined ? ABSENT : readTyped(value);
      }),
    );
    this.#sources.set(activation, source);
    return source;
  }
}

/** An attribute source over values by slot. */
export function sourceOf(values: readonly Outcome[]): AttributeSource {
  const at = (slot: number): Outcome => {
    const value = values[slot];
    return value === undefined ? ABSENT : value;
  };
  const mapAt = (slot: number): ReturnType<AttributeSource["entries"]> => {
    const map = at(slot);
    return map instanceof Map || map instanceof Invalid ? map : ABSENT;
  };
  return {
    read: at,
    readKey: (slot, key) => {
      const map = mapAt(slot);
      if (map === ABSENT || map instanceof Invalid) return map;
      const value = map.get(key);
      return value === undefined ? ABSENT : value;
    },
    entries: mapAt,
  };
}

function unknownName(name: string): never {
  throw new Error(`the plan reads ${name}, which the vocabulary does not have`);
}

export function textOf({ e, parts }: OracleCase): string {
  return e ?? (parts ?? []).map(([text, times]) => text.repeat(times)).join("");
}

/** cel-go's own bounds for what probes them, a policy's for everything else: they must not be in its way. */
function optionsFor({ cat = "", parts }: OracleCase): CompileOptions {
  const probes = parts !== undefined || /^(depth|chain|size|cost)-/.test(cat);
  return probes ? { lenient: true, bounds: CEL_GO_BOUNDS } : { lenient: true };
}

export function readLines<T>(file: string): readonly T[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

export function casesOf(file: string, folder: string = ORACLE_FOLDER): readonly OracleCase[] {
  return readLines<OracleCase>(`${folder}/${file}.ndjson`);
}

/** What cel-go calls an error, we call absent where an attribute or key is not there. */
function differences(outcome: Outcome, run: OracleRun): readonly Disagreement[] {
  const bags = run.unordered === true;
  const failed = outcome === ABSENT || outcome instanceof Invalid;
  const ours = failed ? shownFailure(outcome) : canonical(writeTyped(outcome), bags);
  if (run.v === undefined) {
    const theirs = `error: ${run.err ?? ""}${run.m === undefined ? "" : ` (${run.m})`}, request ${run.a}`;
    return failed ? [] : [{ aspect: "errors", ours, theirs }];
  }
  const expected = canonical(run.v, bags);
  const theirs = `${expected}, request ${run.a}`;
  if (failed) return (["errors", "values"] as const).map((aspect) => ({ aspect, ours, theirs }));
  return ours === expected ? [] : [{ aspect: "values", ours, theirs }];
}

function shownFailure(outcome: typeof ABSENT | Invalid): string {
  return outcome === ABSENT ? "absent" : `error: ${outcome.reason}`;
}

export function readType(text: string): CelType {
  const type = readTypeText(text);
  if (type === undefined) throw new Error(`${text} is no type`);
  return type;
}
