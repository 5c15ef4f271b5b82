import type { AttributeSource } from "../../src/attribute/source.ts";
import { ABSENT, type CelValue, Invalid, type Outcome, Uint } from "../../src/attribute/value.ts";
import type { Random } from "../random.ts";

/** Rule sets and requests that have much in common, so that rules are nearly true, requests nearly equal, and some of it absent or broken. */
export interface GeneratedPolicy {
  readonly when: string | undefined;
  readonly rules: readonly GeneratedRule[];
}

export interface GeneratedRule {
  readonly effect: "allow" | "deny";
  readonly shadow: boolean;
  readonly when: string | undefined;
}

/** Equal to each other, begin and end with each other, in no order that means something. */
const TEXTS = ["", "a", "ab", "abc", "abcabc", "b", "bc", "c", "/", "/a", "/a/", "/a/b", "/a/b/c", "A", "é𝄞", "𝄞"];
const PRINCIPALS = ["spiffe://a/ns/ab/sa/b", "spiffe://a/ns/abc/sa/c", "spiffe://b/x", "ab", ""];

/** What is tested as a text, each absent or broken for some request. */
const SUBJECTS = [
  "request.host",
  "request.method",
  "request.url_path",
  "source.principal",
  'request.headers["a"]',
  "request.headers.b",
  'request.headers.get("a", "ab")',
  'request.headers.get("c", "")',
  'request.host.orDefault("abc")',
  'request.?method.orValue("b")',
  "request.method.lowerAscii()",
  "spiffe.namespace(source.principal)",
  "dyn(any.dyn)",
  "any.dyn",
  'any.map["k"]',
];
const TEXTUAL = SUBJECTS.filter((subject) => !subject.includes("any."));
const OTHERS = [
  "it.is.yes",
  "it.is.no",
  "it.is.gone",
  "it.is.broken",
  "has(request.host)",
  "has(source.principal)",
  "has(request.headers.a)",
  '"b" in request.headers',
  '!("b" in request.headers)',
  "!has(request.headers.a)",
  "any.int > 1",
  "any.int == 2",
  "any.dyn == 2",
  "any.dyn in [1.0, 2u]",
  'any.dyn in ["a", 2]',
  "any.double < 1.0",
  "request.host == request.method",
  'request.headers.values("a").exists(v, v == "ab")',
  '"ab" in request.headers.values("a")',
  'request.headers.exists(k, k == "a")',
  "request.host.size() < 3",
  "[1][any.int] == 1",
];

function randomCondition(random: Random, depth = 2): string {
  const kind = random(20);
  if (depth === 0 || kind < 8) return randomTest(random);
  if (kind < 10) return pick(random, OTHERS);
  const some = (most: number): string[] =>
    Array.from({ length: 2 + random(most) }, () => `(${randomCondition(random, depth - 1)})`);
  if (kind < 16) return some(3).join(" && ");
  if (kind < 18) return some(2).join(" || ");
  if (kind < 19) return `!(${randomCondition(random, depth - 1)})`;
  return `(${randomCondition(random, 0)}) ? (${randomCondition(random, depth - 1)}) : (${randomCondition(random, depth - 1)})`;
}

function randomTest(random: Random): string {
  const text = (): string => JSON.stringify(pick(random, random(6) === 0 ? PRINCIPALS : TEXTS));
  const list = (): string => `[${Array.from({ length: random(4) }, text).join(", ")}]`;
  const subject = pick(random, SUBJECTS);
  const textual = pick(random, TEXTUAL);
  switch (random(14)) {
    case 0:
    case 1:
    case 2:
      return `${subject} == ${text()}`;
    case 3:
      return `${text()} == ${subject}`;
    case 4:
      return `${subject} in ${list()}`;
    case 5:
    case 6:
      return `${pick(random, [...TEXTUAL, "any.dyn"])}.startsWith(${text()})`;
    case 7:
      return `${textual}.endsWith(${text()})`;
    case 8:
      return `${textual}.glob(${pick(random, ['"/a/*"', '"a*"', '"**c"', '"ab"', '"/a/**"'])})`;
    case 9:
      return `${textual}.matches(${pick(random, ['"^ab"', '"^/a/(b|c)"', '"^a|b"', '"^ab?c"', '"^a+b"', '"bc$"', '"^[a]b"', '"(?i)^ab"'])})`;
    case 10:
      return `${textual} == ${text()} || ${textual}.startsWith(${text()}) || ${textual} in ${list()}`;
    case 11:
      return `(${textual} == ${text()} && ${randomCondition(random, 0)}) || (${textual}.endsWith(${text()}) && ${randomCondition(random, 0)})`;
    case 12:
      return `${subject} != ${text()}`;
    default:
      return `!(${textual}.startsWith(${text()}) || !(${textual} == ${text()}))`;
  }
}

/** Up to some dozens of rules in a few policies; most allow, so that a request gets that far. */
export function randomPolicies(random: Random): readonly GeneratedPolicy[] {
  // Many conditions of one set are made of few parts, as people write them.
  const parts = Array.from({ length: 3 + random(6) }, () => randomCondition(random, 1));
  const condition = (): string => {
    const own = randomTest(random);
    switch (random(4)) {
      case 0:
        return randomCondition(random);
      case 1:
        return `(${pick(random, parts)}) && (${own})`;
      case 2:
        return `(${own}) && (${pick(random, parts)}) && (${pick(random, parts)})`;
      default:
        return own;
    }
  };
  const denies = random(3);
  const rule = (): GeneratedRule => ({
    effect: random(8) < denies ? "deny" : "allow",
    shadow: random(6) === 0,
    when: random(60) === 0 ? undefined : condition(),
  });
  return Array.from({ length: 1 + random(4) }, () => ({
    when: random(2) === 0 ? undefined : condition(),
    rules: Array.from({ length: 4 + random(10) }, rule),
  }));
}

/** Attributes and, under `name key`, keys of maps; what is not there is absent. */
export type GeneratedRequest = ReadonlyMap<string, Outcome>;

const BROKEN = [new Invalid("broken"), new Invalid("broken otherwise")];
const DYNAMIC: readonly CelValue[] = [
  ...TEXTS,
  1n,
  2n,
  new Uint(2n),
  1,
  2,
  Number.NaN,
  true,
  null,
  new Uint8Array([97]),
];

export function randomRequest(random: Random): GeneratedRequest {
  const request = new Map<string, Outcome>();
  const put = (name: string, values: readonly CelValue[]): void => {
    const kind = random(12);
    if (kind > 2) request.set(name, pick(random, values));
    else if (kind === 0) request.set(name, pick(random, BROKEN));
  };
  put("request.host", TEXTS);
  put("request.method", TEXTS);
  put("request.url_path", TEXTS);
  put("source.principal", PRINCIPALS);
  put("any.dyn", DYNAMIC);
  put("any.int", [0n, 1n, 2n]);
  put("any.double", [0, 5, Number.NaN]);
  if (random(8) > 0) {
    request.set("request.headers", true);
    for (const key of ["a", "b", "c"]) if (random(3) > 0) put(`request.headers ${key}`, TEXTS);
  }
  if (random(8) > 0) {
    request.set("any.map", true);
    put("any.map k", DYNAMIC);
  }
  return request;
}

/** The maps of a request: `true` says that one is there. */
const MAPS: ReadonlySet<string> = new Set(["request.headers", "any.map"]);

/** @param names of the attributes by slot */
export function sourceOf(request: GeneratedRequest, names: readonly string[]): AttributeSource {
  const nameOf = (slot: number): string => names[slot] ?? "";
  const has = (name: string): Outcome => {
    const value = request.get(name);
    return value === undefined ? ABSENT : value;
  };
  const whole = (name: string): ReadonlyMap<CelValue, CelValue> | Invalid | typeof ABSENT => {
    if (has(name) === ABSENT) return ABSENT;
    const entries = new Map<CelValue, CelValue>();
    for (const [key, value] of request) {
      if (!key.startsWith(`${name} `) || value === ABSENT) continue;
      if (value instanceof Invalid) return value;
      entries.set(key.slice(name.length + 1), value);
    }
    return entries;
  };
  return {
    read: (slot) => (MAPS.has(nameOf(slot)) ? whole(nameOf(slot)) : has(nameOf(slot))),
    readKey: (slot, key) => (has(nameOf(slot)) === ABSENT ? ABSENT : has(`${nameOf(slot)} ${key}`)),
    entries: (slot) => whole(nameOf(slot)),
  };
}

function pick<T>(random: Random, from: readonly T[]): T {
  const picked = from[random(from.length)];
  if (picked === undefined) throw new Error("nothing to pick from");
  return picked;
}
