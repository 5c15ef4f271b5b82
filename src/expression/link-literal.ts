import { ABSENT, type CelValue, Invalid, Optional } from "../attribute/value.ts";
import { charge, type Evaluate } from "./frame.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Tree } from "./tree.ts";
import { invalid, isMap, numeric } from "./values.ts";

const NOT_OPTIONAL = invalid("an element or entry written with ? needs an optional");
const BAD_KEY = invalid("a map key is bool, int, uint or string");
const DUPLICATE_KEY = invalid("the same key twice in one map");

/** `[a, ?b]` */
export function linkList({ elements, optional = [] }: Tree & { op: "list" }, around: Surroundings): Evaluate {
  const linked = elements.map((element, index) => {
    const evaluate = around.link(element, around);
    return optional.includes(index) ? optionalPart(evaluate) : evaluate;
  });
  return (frame) => {
    const over = charge(frame, linked.length);
    if (over) return over;
    const list: CelValue[] = [];
    let absent = false;
    for (const evaluate of linked) {
      const value = evaluate(frame);
      if (value instanceof Invalid) return value;
      if (value === ABSENT) absent = true;
      else if (value !== LEFT_OUT) list.push(value);
    }
    return absent ? ABSENT : list;
  };
}

/** Stands for `optional.none()` where an element or entry is left out by it; nothing else can be it. */
const LEFT_OUT = Object.freeze(new Optional(ABSENT));

/** `?x`: what the optional has. */
function optionalPart(evaluate: Evaluate): Evaluate {
  return (frame) => {
    const outcome = evaluate(frame);
    if (outcome === ABSENT || outcome instanceof Invalid) return outcome;
    if (!(outcome instanceof Optional)) return NOT_OPTIONAL;
    return outcome.value === ABSENT ? LEFT_OUT : outcome.value;
  };
}

/** `{a: b, ?c: d}` */
export function linkMap({ entries, optional = [] }: Tree & { op: "map" }, around: Surroundings): Evaluate {
  const linked = entries.map(([key, value], index) => {
    const isOptional = optional.includes(index);
    const evaluate = around.link(value, around);
    return { key: around.link(key, around), value: isOptional ? optionalPart(evaluate) : evaluate, isOptional };
  });
  return (frame) => {
    const over = charge(frame, linked.length * 2);
    if (over) return over;
    const builder = new MapBuilder();
    let absent = false;
    for (const entry of linked) {
      const key = entry.key(frame);
      if (key instanceof Invalid) return key;
      const value = entry.value(frame);
      if (value instanceof Invalid) return value;
      if (key === ABSENT || value === ABSENT) {
        absent = true;
        continue;
      }
      // As in cel-go an optional entry takes the place of one before it, even when it has nothing to put there.
      if (entry.isOptional) builder.delete(key);
      const wrong = value === LEFT_OUT ? undefined : builder.add(key, value);
      if (wrong) return wrong;
    }
    return absent ? ABSENT : builder.map;
  };
}

/** Makes a map whose keys are all different, 1 and 1u being the same. */
export class MapBuilder {
  readonly map = new Map<CelValue, CelValue>();
  /** By number, the key that has it. */
  #numbers: Map<bigint, CelValue> | undefined;

  /** @returns an error for what cannot be a key, or is one already. */
  add(key: CelValue, value: CelValue): Invalid | undefined {
    if (typeof key === "string" || typeof key === "boolean") {
      if (this.map.has(key)) return DUPLICATE_KEY;
    } else {
      const number = numeric(key);
      if (typeof number !== "bigint") return BAD_KEY;
      this.#numbers ??= new Map();
      if (this.#numbers.has(number)) return DUPLICATE_KEY;
      this.#numbers.set(number, key);
    }
    this.map.set(key, value);
    return undefined;
  }

  delete(key: CelValue): void {
    const number = numeric(key);
    if (typeof number !== "bigint") {
      this.map.delete(key);
      return;
    }
    const known = this.#numbers?.get(number);
    if (known === undefined) return;
    this.map.delete(known);
    this.#numbers?.delete(number);
  }

  /** All entries of a map. @returns an error when it is none, or has a key that is there already. */
  addAll(value: CelValue): Invalid | undefined {
    if (!isMap(value)) return NOT_A_MAP;
    for (const [key, item] of value) {
      const wrong = this.add(key, item);
      if (wrong) return wrong;
    }
    return undefined;
  }
}

const NOT_A_MAP = invalid("no map where entries of one are needed");
