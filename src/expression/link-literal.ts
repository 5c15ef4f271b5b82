import { ABSENT, type CelValue, Invalid, Optional, Uint } from "../attribute/value.ts";
import { charge, type Evaluate } from "./frame.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Tree } from "./tree.ts";
import { invalid, isMap, numeric } from "./values.ts";

const NOT_OPTIONAL = invalid("an element or entry written with ? needs an optional", "no such overload");
const BAD_KEY = invalid("a map key is bool, int, uint or string", "no such overload");
const DUPLICATE_KEY = invalid("the same key twice in one map", "duplicate key");

/** What making a list or a map takes, besides what is in it. */
export const LIST_STEPS = 1;
export const MAP_STEPS = 6;

/** `[a, ?b]` */
export function linkList({ elements, optional = [] }: Tree & { op: "list" }, around: Surroundings): Evaluate {
  const linked = elements.map((element, index) => {
    const evaluate = around.link(element, around);
    return optional.includes(index) ? optionalPart(evaluate) : evaluate;
  });
  return (frame) => {
    const over = charge(frame, LIST_STEPS + linked.length);
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
    const over = charge(frame, MAP_STEPS + linked.length * 2);
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
      const wrong = value === LEFT_OUT ? builder.delete(key) : builder.set(key, value);
      if (wrong) return wrong;
    }
    return absent ? ABSENT : builder.map;
  };
}

/** Makes a map with keys of CEL's kinds. */
export class MapBuilder {
  readonly map = new Map<CelValue, CelValue>();
  /** By its number, the uint that is a key: it is an object, which a map does not find by what it is. */
  #uints: Map<bigint, Uint> | undefined;

  /** The last one of two equal keys of a type counts; 1 and 1u are two keys, as in cel-go. @returns an error for what cannot be a key. */
  set(key: CelValue, value: CelValue): Invalid | undefined {
    if (key instanceof Uint) {
      const known = this.#uints?.get(key.value) ?? key;
      this.#uints ??= new Map();
      this.#uints.set(key.value, known);
      this.map.set(known, value);
      return undefined;
    }
    if (typeof key !== "string" && typeof key !== "boolean" && typeof key !== "bigint") return BAD_KEY;
    this.map.set(key, value);
    return undefined;
  }

  /** As in cel-go an optional entry without a value takes away one that was before it. */
  delete(key: CelValue): undefined {
    if (!(key instanceof Uint)) {
      this.map.delete(key);
      return;
    }
    const known = this.#uints?.get(key.value);
    if (known === undefined) return;
    this.map.delete(known);
    this.#uints?.delete(key.value);
  }

  /** @returns an error for what cannot be a key, or is one already: 1 is where 1u is. */
  add(key: CelValue, value: CelValue): Invalid | undefined {
    const number = numeric(key);
    const isKnown =
      typeof number === "bigint" ? this.map.has(number) || this.#uints?.has(number) === true : this.map.has(key);
    return isKnown ? DUPLICATE_KEY : this.set(key, value);
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

const NOT_A_MAP = invalid("no map where entries of one are needed", "no such overload");
