import { ABSENT, type Absent, type CelValue, Invalid, type Outcome } from "../../attribute/value.ts";
import { charge, type Evaluate, type Frame } from "../frame.ts";
import { bucketOf } from "../hash.ts";
import { splitHeader } from "../header-values.ts";
import { invalid, isFailure, isMap, lookup, NO_OVERLOAD } from "../values.ts";
import type { FunctionRow, Operand } from "./function-row.ts";

const NOT_A_MAP = invalid("not a map");
const NOT_A_HEADER = invalid("not a text under this name");

/** What Weir adds to CEL: few, each with an answer for what a request may lack. */
export const WEIR: readonly FunctionRow[] = [
  {
    name: "get",
    signatures: ["map(K, V).get(K, V): V"],
    doc: "The value under a key, or the second argument when the key or the whole map is absent; it is evaluated only then.",
    cost: 2,
    apply: (map, key, fallback) => {
      const found = isMap(map) ? lookup(map, key) : NOT_A_MAP;
      return found === ABSENT ? fallback : found;
    },
    link: ([map, key, fallback]) => map && key && fallback && linkGet(map, key, fallback),
  },
  {
    name: "values",
    signatures: ["map(string, string).values(string): list(string)"],
    doc: "All values of a header, however it was repeated: split at commas outside of double quotes and trimmed, cookies whole; empty when absent.",
    cost: 4,
    apply: (map, name) =>
      isMap(map) && typeof name === "string" ? split(name, lookup(map, name.toLowerCase())) : NOT_A_MAP,
    link: ([map, name]) => map && name && linkValues(map, name),
  },
  {
    name: "orDefault",
    signatures: ["T.orDefault(T): T"],
    doc: "The value, or the argument when it is absent; it is evaluated only then. An error stays an error.",
    cost: 1,
    apply: (value) => value,
    link: ([value, fallback]) => value && fallback && linkOrDefault(value, fallback),
  },
  {
    name: "bucket",
    signatures: ["bucket(string, string): int"],
    doc: "A number from 0 to 99 that is always the same for a text and a salt: for rolling out by percentage.",
    cost: (text, salt) => 4 * (text + salt),
    apply: (text, salt) =>
      typeof text === "string" && typeof salt === "string" ? BigInt(bucketOf(text, salt)) : NO_OVERLOAD,
  },
];

function linkGet(map: Operand, key: Operand, fallback: Operand): Evaluate {
  return (frame) => {
    const wanted = key.evaluate(frame);
    if (isFailure(wanted)) return errorFirst(wanted, map, frame);
    const found = under(frame, map, wanted);
    return found === ABSENT ? fallback.evaluate(frame) : found;
  };
}

/** What comes of a key that is absent or error: an error of the map beats its absence. */
function errorFirst(key: Absent | Invalid, map: Operand, frame: Frame): Absent | Invalid {
  if (key instanceof Invalid) return key;
  const whole = map.evaluate(frame);
  return whole instanceof Invalid ? whole : ABSENT;
}

/** One key of a map: ABSENT when the map or the key is not there. */
function under(frame: Frame, map: Operand, key: CelValue): Outcome {
  if (map.readKey && typeof key === "string") return map.readKey(frame, key);
  const whole = map.evaluate(frame);
  if (isFailure(whole)) return whole;
  return isMap(whole) ? lookup(whole, key) : NOT_A_MAP;
}

function linkValues(map: Operand, name: Operand): Evaluate {
  return (frame) => {
    const header = name.evaluate(frame);
    if (isFailure(header)) return errorFirst(header, map, frame);
    if (typeof header !== "string") return NO_OVERLOAD;
    const lower = header.toLowerCase();
    const found = under(frame, map, lower);
    return (
      (typeof found === "string" ? charge(frame, found.length / CHARACTERS_PER_STEP) : undefined) ?? split(lower, found)
    );
  };
}

/** Splitting looks at each character about twice, and makes texts of what it finds. */
const CHARACTERS_PER_STEP = 2;

function split(name: string, value: CelValue | Absent | Invalid): Outcome {
  if (value === ABSENT) return NO_VALUES;
  if (value instanceof Invalid) return value;
  if (typeof value !== "string") return NOT_A_HEADER;
  return COOKIES.has(name.toLowerCase()) ? [value] : splitHeader(value);
}

const NO_VALUES: readonly CelValue[] = Object.freeze([]);
/** Joined by `; `, and a comma may stand in a cookie's date. */
const COOKIES: ReadonlySet<string> = new Set(["cookie", "set-cookie"]);

function linkOrDefault(value: Operand, fallback: Operand): Evaluate {
  return (frame) => {
    const outcome = value.evaluate(frame);
    return outcome === ABSENT ? fallback.evaluate(frame) : outcome;
  };
}
