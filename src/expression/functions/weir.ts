import { ABSENT, type Absent, type CelValue, Invalid, type Outcome } from "../../attribute/value.ts";
import { charge, type Evaluate, type Frame } from "../frame.ts";
import { bucketOf } from "../hash.ts";
import { splitHeader } from "../header-values.ts";
import { compileGlob, globSource } from "../pattern.ts";
import { parseSpiffeId, type SpiffeId } from "../spiffe.ts";
import { CHARACTERS_PER_UNIT, ENTRIES_PER_UNIT, invalid, isFailure, isMap, lookup, NO_OVERLOAD } from "../values.ts";
import type { FunctionRow, Operand } from "./function-row.ts";
import { testingBy } from "./search.ts";

const NOT_A_MAP = invalid("not a map", "no such overload");
const NOT_A_HEADER = invalid("not a text under this name", "no such overload");

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
    answersAbsence: { guard: "get", key: (written) => written },
    selects: true,
    link: ([map, key, fallback]) => map && key && fallback && linkGet(map, key, fallback),
  },
  {
    name: "values",
    signatures: ["map(string, string).values(string): list(string)"],
    doc: "All values of a header, however it was repeated: split at commas outside of double quotes and trimmed, cookies whole; empty when absent.",
    cost: 4,
    apply: (map, name) =>
      isMap(map) && typeof name === "string" ? split(name, lookup(map, name.toLowerCase())) : NOT_A_MAP,
    answersAbsence: { guard: "values", key: (written) => written.toLowerCase() },
    link: ([map, name]) => map && name && linkValues(map, name),
  },
  {
    name: "orDefault",
    signatures: ["T.orDefault(T): T"],
    doc: "The value, or the argument when it is absent; it is evaluated only then. An error stays an error.",
    cost: 1,
    apply: (value) => value,
    answersAbsence: { guard: "orDefault" },
    selects: true,
    link: ([value, fallback]) => value && fallback && linkOrDefault(value, fallback),
  },
  {
    name: "glob",
    signatures: ["string.glob(string): bool"],
    doc: "Whether the whole text is as the pattern (a constant): `*` is one path segment or a part of one, `**` anything.",
    checked: { argument: 1, kind: "glob" },
    ...testingBy(compileGlob, globSource),
  },
  {
    name: "bucket",
    signatures: ["bucket(string, string): int"],
    doc: "A number from 0 to 99 that is always the same for a text and a salt: for rolling out by percentage.",
    range: [0, 99],
    cost: (text, salt) => 4 * (text + salt),
    apply: (text, salt) =>
      typeof text === "string" && typeof salt === "string" ? BigInt(bucketOf(text, salt)) : NO_OVERLOAD,
  },
  spiffe("trustDomain", "The trust domain of a SPIFFE ID: who vouches for it.", (id) => id.trustDomain),
  spiffe("namespace", "The Kubernetes namespace in a SPIFFE ID, `…/ns/NAMESPACE/sa/ACCOUNT`.", (id) => id.namespace),
  spiffe("serviceAccount", "The Kubernetes service account in a SPIFFE ID.", (id) => id.serviceAccount),
];

/**
 * A part of a principal. What has no such part has it absent and not `""`: a rule about a namespace says nothing of who has none, so that a
 * client with the certificate of another world is no match for an allow and not waved through by a deny.
 */
function spiffe(part: string, doc: string, read: (id: SpiffeId) => string | undefined): FunctionRow {
  return {
    name: `spiffe.${part}`,
    signatures: [`spiffe.${part}(string): string`],
    doc: `${doc} Also of Istio's form without \`spiffe://\`. Absent when the text has none.`,
    cost: (text) => 4 + 2 * text,
    mayBeAbsent: true,
    apply: (text) => {
      if (typeof text !== "string") return NO_OVERLOAD;
      const id = parseSpiffeId(text);
      return (id && read(id)) ?? ABSENT;
    },
  };
}

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
  if (!isMap(whole)) return NOT_A_MAP;
  // A number is looked for among all keys, where the map has it as one of another kind.
  return (typeof key === "string" ? undefined : charge(frame, whole.size / ENTRIES_PER_UNIT)) ?? lookup(whole, key);
}

function linkValues(map: Operand, name: Operand): Evaluate {
  return (frame) => {
    const header = name.evaluate(frame);
    if (isFailure(header)) return errorFirst(header, map, frame);
    if (typeof header !== "string") return NO_OVERLOAD;
    const over = charge(frame, header.length / CHARACTERS_PER_UNIT);
    if (over) return over;
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
