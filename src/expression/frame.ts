import type { AttributeSource } from "../attribute/source.ts";
import { ABSENT, type Absent, type CelMap, Invalid, type Outcome } from "../attribute/value.ts";
import { DEFAULT_BUDGET, MAX_DERIVATION_DEPTH } from "./limits.ts";
import type { Tree } from "./tree.ts";
import { COST_LIMIT, invalid, isMap, lookup } from "./values.ts";

/**
 * One evaluation's view of one request: reads attributes through the door's source, remembers what was read, evaluates derived
 * attributes once. Made per request by the engine and handed to every linked expression of the snapshot.
 */
export interface Frame {
  /** The attribute in a slot of the snapshot; a derived one is evaluated at its first reading. */
  read(slot: number): Outcome;
  /** One key of a map attribute: ABSENT when the map or the key is not there. */
  readKey(slot: number, key: string): Outcome;
  /** Whether the attribute is there at all, without reading what it is. */
  isPresent(slot: number): boolean | Invalid;
  /** Whether the attribute is not there: what is there may be an error, and a map is not made for the question. */
  isAbsent(slot: number): boolean;
  /** A whole map attribute; iterating makes an answer not reusable by clients. */
  entries(slot: number): CelMap | Absent | Invalid;
  /** What the variables of the expression being evaluated stand for, each at its own place; undefined where `cel.bind` has it to come. */
  readonly locals: (Outcome | undefined)[];
  /** What was evaluated of the parts that expressions share. */
  readonly remembered: Map<object, Outcome>;
  /** Evaluation steps left for this request; an evaluation that finds none left gives Invalid. One unit is about one node visited. */
  budget: number;
}

/** Takes steps from the request's budget, whole ones: a budget with a fraction would be an object to JavaScript. @returns the error when none are left. */
export function charge(frame: Frame, steps: number): Invalid | undefined {
  frame.budget -= Math.ceil(steps);
  // What is no number, as infinitely often nothing, is too much.
  return frame.budget >= 0 ? undefined : COST_LIMIT;
}

/**
 * Takes steps without asking whether they are left, for what takes no longer the larger its operands are: an expression has only so many
 * nodes, and each round of a loop asks.
 */
export function spend(frame: Frame, steps: number): void {
  frame.budget -= steps;
}

/** A linked expression. Never throws for what a request or a policy holds. */
export type Evaluate = (frame: Frame) => Outcome;

/** A linked text with `${…}`: ABSENT or Invalid when one of its expressions is. */
export type Render = (frame: Frame) => string | Absent | Invalid;

/** What linking needs to know of the snapshot. */
export interface LinkScope {
  /** @returns the slot of an attribute that some expression of the plan reads. Throws when the plan has none: that is our bug. */
  slotOf(attribute: string): number;
  /** What its expressions have in common; without it each is evaluated for itself. */
  readonly shared?: SharedLinks;
}

/** Links what expressions have in common. */
export interface SharedLinks {
  /** @returns how a node is evaluated, undefined where that is for itself. */
  link(tree: Tree, scope: LinkScope, linkAlone: (tree: Tree) => Evaluate): Evaluate | undefined;
}

/** What the frames of a snapshot have in common. */
export interface FrameLayout {
  /** How many slots the snapshot has. */
  readonly slots: number;
  /** By slot: how a derived attribute is evaluated; undefined for what the source itself supplies. */
  readonly derived: readonly (Evaluate | undefined)[];
}

/** What a frame is made of. */
export interface FrameInput extends FrameLayout {
  readonly source: AttributeSource;
  /** Remember every attribute and map key read. */
  readonly record: boolean;
  /** Steps all evaluations of this request may take together; DEFAULT_BUDGET when left out. */
  readonly budget?: number;
}

/**
 * One thing that an answer depends on. `exact`: the value of the attribute or key; `absence`: that it is not there; `presence`: that the
 * attribute is there, whatever its value.
 */
export interface Reference {
  readonly slot: number;
  readonly key?: string;
  readonly match: "exact" | "absence" | "presence";
}

/** What the evaluations of one request read, for clients that may reuse its answer. */
export interface References {
  /** Attributes and keys that the source was asked for, each once; derived attributes stand as what they are derived from. */
  readonly references: readonly Reference[];
  /** A map was iterated or passed whole: no set of references says enough. */
  readonly reusable: boolean;
}

export interface RequestFrame extends Frame {
  /** Empty and not reusable when the frame does not record. */
  references(): References;
}

/** @returns a fresh view of one request. */
export function createFrame({ source, slots, derived, record, budget }: FrameInput): RequestFrame {
  return frameOf(source, { slots, derived }, record, budget);
}

/** The same without an object that is thrown away: for each request. */
export function frameOf(
  source: AttributeSource,
  layout: FrameLayout,
  record: boolean,
  budget = DEFAULT_BUDGET,
): RequestFrame {
  return new SlotFrame(source, layout, record, budget);
}

const DERIVED_TOO_DEEP = invalid("derived attributes need each other too deeply", "other");
const NOT_A_MAP = invalid("not a map", "no such overload");

class SlotFrame implements RequestFrame {
  budget: number;
  readonly #source: AttributeSource;
  readonly #derived: FrameLayout["derived"];
  readonly #known: (Outcome | undefined)[];
  readonly #recorder: Recorder | undefined;
  /** Made for the first variable: most expressions have none. */
  #locals: (Outcome | undefined)[] | undefined = undefined;
  /** Made for the first shared part. */
  #remembered: Map<object, Outcome> | undefined = undefined;
  #derivations = 0;

  constructor(source: AttributeSource, { slots, derived }: FrameLayout, record: boolean, budget: number) {
    this.budget = budget;
    this.#source = source;
    this.#derived = derived;
    this.#known = new Array(slots);
    this.#recorder = record ? new Recorder() : undefined;
  }

  get locals(): (Outcome | undefined)[] {
    this.#locals ??= [];
    return this.#locals;
  }

  get remembered(): Map<object, Outcome> {
    this.#remembered ??= new Map();
    return this.#remembered;
  }

  read(slot: number): Outcome {
    const known = this.#known[slot];
    if (known !== undefined) return known;
    const derive = this.#derived[slot];
    const outcome = derive === undefined ? this.#source.read(slot) : this.#derive(derive);
    this.#known[slot] = outcome;
    if (derive === undefined) this.#recorder?.value(slot, outcome);
    return outcome;
  }

  readKey(slot: number, key: string): Outcome {
    if (this.#derived[slot] !== undefined) return keyOf(this.read(slot), key);
    const outcome = this.#source.readKey(slot, key);
    this.#recorder?.key(slot, key, outcome);
    return outcome;
  }

  isAbsent(slot: number): boolean {
    if (this.#derived[slot] !== undefined) return this.read(slot) === ABSENT;
    const known = this.#known[slot];
    const isAbsent = known === undefined ? this.#isNotSent(slot) : known === ABSENT;
    this.#recorder?.presence(slot, isAbsent);
    return isAbsent;
  }

  isPresent(slot: number): boolean | Invalid {
    const isDerived = this.#derived[slot] !== undefined;
    // Past the recorder: that it is there is all that the answer depends on.
    const outcome = isDerived ? this.read(slot) : (this.#known[slot] ?? this.#source.read(slot));
    if (!isDerived) this.#recorder?.presence(slot, outcome === ABSENT);
    return outcome instanceof Invalid ? outcome : outcome !== ABSENT;
  }

  entries(slot: number): CelMap | Absent | Invalid {
    if (this.#derived[slot] !== undefined) return wholeMap(this.read(slot));
    this.#recorder?.whole();
    return this.#source.entries(slot);
  }

  references(): References {
    return this.#recorder?.references() ?? { references: [], reusable: false };
  }

  #isNotSent(slot: number): boolean {
    const source = this.#source;
    return source.isAbsent === undefined ? source.read(slot) === ABSENT : source.isAbsent(slot);
  }

  /** A derivation may run in the middle of another expression's loop, and has loops of its own. */
  #derive(derive: Evaluate): Outcome {
    if (this.#derivations >= MAX_DERIVATION_DEPTH) return DERIVED_TOO_DEEP;
    const locals = this.#locals;
    this.#locals = undefined;
    this.#derivations++;
    const outcome = derive(this);
    this.#derivations--;
    this.#locals = locals;
    return outcome;
  }
}

function keyOf(outcome: Outcome, key: string): Outcome {
  const map = wholeMap(outcome);
  return map === ABSENT || map instanceof Invalid ? map : lookup(map, key);
}

function wholeMap(outcome: Outcome): CelMap | Absent | Invalid {
  if (outcome === ABSENT || outcome instanceof Invalid) return outcome;
  return isMap(outcome) ? outcome : NOT_A_MAP;
}

/** Notes what a frame asks its source for. */
class Recorder {
  readonly #references = new Map<string, Reference>();
  #reusable = true;

  value(slot: number, outcome: Outcome): void {
    // A set of references has no place for a whole map.
    if (outcome instanceof Map) this.whole();
    this.#note({ slot, match: outcome === ABSENT ? "absence" : "exact" });
  }

  key(slot: number, key: string, outcome: Outcome): void {
    this.#note({ slot, key, match: outcome === ABSENT ? "absence" : "exact" });
  }

  presence(slot: number, isAbsent: boolean): void {
    this.#note({ slot, match: isAbsent ? "absence" : "presence" });
  }

  whole(): void {
    this.#reusable = false;
  }

  references(): References {
    return { references: [...this.#references.values()], reusable: this.#reusable };
  }

  /** The first reading of an attribute or key says it all, but that it is there says less than what it is. */
  #note(reference: Reference): void {
    const id = reference.key === undefined ? `${reference.slot}` : `${reference.slot} ${reference.key}`;
    const known = this.#references.get(id);
    if (known === undefined || known.match === "presence") this.#references.set(id, reference);
  }
}
