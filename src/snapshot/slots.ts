import { lookup } from "../attribute/vocabulary.ts";
import type { AttributeRead } from "../expression/tree.ts";
import type { Attributes } from "./attributes.ts";
import { isMasked } from "./masking.ts";
import type { PolicyPlan, SlotPlan } from "./plan.ts";

/**
 * Numbers the attributes that some expression reads: a door is asked for these and no others. A derived attribute brings along what it
 * is derived from; where it reads its own name, that is the door's raw value in a slot of its own.
 */
export function numberSlots(
  policies: readonly PolicyPlan[],
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
  for (const read of policies.flatMap(readsOf)) add(read.attribute);
  for (const name of extra) add(name);
  return [...slots.values()];
}

/** The key of a derived attribute's own raw value: no attribute has a name with a space. */
export function rawKey(name: string): string {
  return `${name} raw`;
}

/** What report rules read and the access log cannot supply itself travels with the decision. */
function carriedAttributes(policies: readonly PolicyPlan[], attributes: Attributes): ReadonlySet<string> {
  const reads = policies.flatMap((policy) => [
    ...reportReads(policy, "request"),
    ...(policy.reports.length > 0 ? (policy.when?.reads ?? []) : []),
  ]);
  return new Set(reads.map((read) => read.attribute).filter((name) => isCarried(name, attributes)));
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
