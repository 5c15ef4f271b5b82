import { lookup } from "../attribute/vocabulary.ts";
import type { AttributeRead } from "../expression/tree.ts";
import type { Attributes } from "./attributes.ts";
import { isMasked } from "./masking.ts";
import type { PolicyPlan, SlotPlan } from "./plan.ts";

/** Most slots of a numbering may be vacant; with more of them it is made anew. */
const MAX_VACANT_SHARE = 0.5;

/**
 * Numbers the attributes that some expression reads: a door is asked for these and no others. A derived attribute brings along what it
 * is derived from; where it reads its own name, that is the door's raw value in a slot of its own. What had a number `before` keeps it, so
 * that what was linked stays true; where nothing reads it any more its slot is vacant until another attribute needs one.
 */
export function numberSlots(
  policies: readonly PolicyReads[],
  extra: readonly string[],
  attributes: Attributes,
  mask: readonly string[],
  before: readonly SlotPlan[] = [],
): readonly SlotPlan[] {
  return keepNumbers(neededSlots(policies, extra, attributes, mask), before);
}

/** A slot that nobody reads: no attribute has this name. */
const VACANT: SlotPlan = { name: "", carried: false };

function keepNumbers(needed: readonly SlotPlan[], before: readonly SlotPlan[]): readonly SlotPlan[] {
  const left = new Map(needed.map((slot) => [keyOf(slot), slot]));
  const numbered = before.map((slot) => {
    const same = left.get(keyOf(slot));
    left.delete(keyOf(slot));
    return same;
  });
  const fresh = left.values();
  const filled = numbered.map((slot) => slot ?? fresh.next().value ?? VACANT);
  const slots = [...filled, ...fresh];
  while (slots.at(-1) === VACANT) slots.pop();
  const vacant = slots.filter((slot) => slot === VACANT).length;
  return vacant > slots.length * MAX_VACANT_SHARE ? needed : slots;
}

/** @returns whether every attribute that both have has the same number in both. */
export function isSameNumbering(before: readonly SlotPlan[], after: readonly SlotPlan[]): boolean {
  const numbers = new Map(before.map((slot, index) => [keyOf(slot), index]));
  return after.every((slot, index) => slot.name === "" || (numbers.get(keyOf(slot)) ?? index) === index);
}

/** What tells slots apart: a derived attribute and its own raw value have one name. */
export function keyOf({ name, raw }: SlotPlan): string {
  return raw ? rawKey(name) : name;
}

function neededSlots(
  policies: readonly PolicyReads[],
  extra: readonly string[],
  attributes: Attributes,
  mask: readonly string[],
): readonly SlotPlan[] {
  const carried = carriedAttributes(policies, attributes);
  const slots = new Map<string, SlotPlan>();
  const add = (name: string): void => {
    if (slots.has(name)) return;
    const derived = attributes.derived.get(name);
    const type = attributes.types.get(name);
    const typed = type ? { type } : {};
    const masked =
      derived !== undefined && carried.has(name) && derived.reads.some((read) => isMasked(read, attributes, mask));
    slots.set(name, {
      ...{ name, ...typed, carried: carried.has(name) },
      ...(derived ? { derived } : {}),
      ...(masked ? { masked } : {}),
    });
    for (const read of derived?.reads ?? []) {
      if (read.attribute === name) slots.set(rawKey(name), { name, ...typed, raw: true, carried: false });
      else add(read.attribute);
    }
  };
  const reads = policies.flatMap((policy) => policy.reads);
  for (const { attribute } of reads) add(attribute);
  for (const name of extra) add(name);
  const keys = keysOf([...slots.values()], reads);
  return [...slots.values()].map((slot) => withKeys(slot, keys));
}

/** @returns by attribute, the keys of it that expressions name, those of derived attributes too. */
function keysOf(slots: readonly SlotPlan[], reads: readonly NamedRead[]): ReadonlyMap<string, ReadonlySet<string>> {
  const keys = new Map<string, Set<string>>();
  for (const { attribute, key } of [...reads, ...slots.flatMap(({ derived }) => derived?.reads ?? [])]) {
    if (key === undefined) continue;
    const known = keys.get(attribute) ?? new Set();
    keys.set(attribute, known.add(key));
  }
  return keys;
}

function withKeys(slot: SlotPlan, keys: ReadonlyMap<string, ReadonlySet<string>>): SlotPlan {
  const named = keys.get(slot.name);
  return named === undefined ? slot : { ...slot, keys: [...named] };
}

/** The key of a derived attribute's own raw value: no attribute has a name with a space. */
export function rawKey(name: string): string {
  return `${name} raw`;
}

/** What report rules read and the access log cannot supply itself travels with the decision. */
function carriedAttributes(policies: readonly PolicyReads[], attributes: Attributes): ReadonlySet<string> {
  const names = new Set(policies.flatMap(({ reportReads }) => reportReads));
  return new Set([...names].filter((name) => isCarried(name, attributes)));
}

function isCarried(name: string, attributes: Attributes): boolean {
  // The decision itself is in the metadata already.
  if (name.startsWith("check.")) return false;
  return (
    attributes.derived.has(name) ||
    attributes.supply(name, "access-log") === "never" ||
    lookup(name)?.carriedFirst === true
  );
}

/** What is read, by name. */
type NamedRead = Pick<AttributeRead, "attribute" | "key">;

/** What a policy reads, each once, in the order in which it is first read. */
export interface PolicyReads {
  readonly reads: readonly NamedRead[];
  /** Attributes that its report rules about requests read, and its `when` where it has report rules. */
  readonly reportReads: readonly string[];
}

export function policyReads(policy: PolicyPlan): PolicyReads {
  const ofReports = [
    ...reportReads(policy, "request"),
    ...(policy.reports.length > 0 ? (policy.when?.reads ?? []) : []),
  ];
  return { reads: eachOnce(readsOf(policy)), reportReads: namesOf(ofReports) };
}

function eachOnce(reads: readonly AttributeRead[]): readonly NamedRead[] {
  const seen = new Map<string, NamedRead>();
  for (const { attribute, key } of reads) {
    // No attribute has a name with a space.
    const spelled = key === undefined ? attribute : `${attribute} ${key}`;
    if (!seen.has(spelled)) seen.set(spelled, key === undefined ? { attribute } : { attribute, key });
  }
  return [...seen.values()];
}

function namesOf(reads: readonly AttributeRead[]): readonly string[] {
  return [...new Set(reads.map(({ attribute }) => attribute))];
}

function readsOf(policy: PolicyPlan): readonly AttributeRead[] {
  return [
    ...(policy.when?.reads ?? []),
    ...policy.verdictRules.flatMap((rule) => [...(rule.when?.reads ?? []), ...respondReads(rule.respond)]),
    ...policy.asks.flatMap((ask) => [...(ask.when?.reads ?? []), ...ask.value.reads, ...respondReads(ask.respond)]),
    ...policy.changes.flatMap((change) => [...(change.when?.reads ?? []), ...changeReads(change)]),
    ...policy.limits.flatMap(limitReads),
    ...reportReads(policy, "request"),
    ...reportReads(policy, "decision"),
  ];
}

function respondReads(respond: PolicyPlan["verdictRules"][number]["respond"]): readonly AttributeRead[] {
  if (respond === undefined) return [];
  return [...respond.headers.flatMap((header) => header.template.reads), ...(respond.body?.reads ?? [])];
}

function changeReads(change: PolicyPlan["changes"][number]): readonly AttributeRead[] {
  const { request, response, query } = change;
  const texts = [...request.set, ...request.add, ...response.set, ...response.add, ...query.set];
  return texts.flatMap((text) => text.template.reads);
}

function limitReads(limit: PolicyPlan["limits"][number]): readonly AttributeRead[] {
  return [
    ...(limit.when?.reads ?? []),
    ...(limit.cost?.reads ?? []),
    ...limit.by.flatMap((by) => by.expression.reads),
    ...respondReads(limit.respond),
  ];
}

function reportReads(policy: PolicyPlan, of: "request" | "decision"): readonly AttributeRead[] {
  return policy.reports
    .filter((report) => report.of === of)
    .flatMap((report) => [...(report.when?.reads ?? []), ...outputReads(report)]);
}

function outputReads(report: PolicyPlan["reports"][number]): readonly AttributeRead[] {
  switch (report.kind) {
    case "metric":
      return [...report.value.reads, ...report.dimensions.flatMap((dimension) => dimension.expression.reads)];
    case "logentry":
      return [
        ...(report.severity?.reads ?? []),
        ...report.message.reads,
        ...report.variables.flatMap((variable) => variable.expression.reads),
      ];
    case "tracespan":
      return [...report.spanName.reads, ...report.attributes.flatMap((attribute) => attribute.expression.reads)];
  }
}
