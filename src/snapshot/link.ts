import { type Mask, maskOf } from "../attribute/mask.ts";
import type { SlotSpec } from "../attribute/source.ts";
import type { Evaluate, LinkScope, Render } from "../expression/frame.ts";
import {
  frameOf,
  link as linkExpression,
  linkTemplate,
  NO_TESTS,
  SharedParts,
  Subjects,
  testsOf,
} from "../expression/index.ts";
import type { ExpressionPlan } from "../expression/tree.ts";
import { buildIndexes, type CheckIndexes, keptPolicies } from "./check-indexes.ts";
import type { HandlerSet } from "./handler-set.ts";
import type {
  CheckRules,
  LinkedAsk,
  LinkedChange,
  LinkedConditional,
  LinkedLimit,
  LinkedPolicy,
  LinkedReport,
  LinkedRespond,
  LinkedRule,
  LinkedText,
} from "./linked.ts";
import { maskedSource } from "./masked-source.ts";
import { digestOf, type PackedPlan, type PolicyPieces, unpackFrame, unpackPolicy } from "./packed-plan.ts";
import type {
  AskPlan,
  ChangePlan,
  LimitPlan,
  NamedTemplate,
  Plan,
  PlanFrame,
  PolicyPlan,
  PolicyRules,
  ReportPlan,
  RespondPlan,
} from "./plan.ts";
import { isSameNumbering, keyOf, rawKey } from "./slots.ts";
import type { CheckProgram, PolicyProgram, Snapshot } from "./snapshot.ts";

/** Makes a Snapshot of a Plan: closures over numbered slots. */
export function link(plan: Plan, handlers: HandlerSet): Snapshot {
  const policies = plan.policies.map((policy) => ({ digest: noDigest, unpack: () => wholePolicy(policy) }));
  const steps = linkSteps(plan, policies, handlers, undefined);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/** How long linking keeps a thread from what it serves, if no handful of rules takes longer. */
const SLICE_MS = 2;

/** Time, and giving others their turn. */
export interface Turns {
  /** Milliseconds of any clock that does not go back. */
  readonly now: () => number;
  /** Resolves when whoever was waiting has had his turn. */
  readonly pause: () => Promise<void>;
}

/**
 * The same of a packed plan, policy by policy and in slices, for a thread that serves meanwhile. Done once per thread, before the snapshot
 * serves. What is the same in the snapshot `before` is taken from it; what was unpacked is forgotten.
 */
export async function linkPacked(
  packed: PackedPlan,
  handlers: HandlerSet,
  { now, pause }: Turns,
  before?: Snapshot,
): Promise<Snapshot> {
  const policies = packed.policies.map((policy) => ({
    digest: () => digestOf(policy),
    unpack: () => unpackPolicy(policy),
  }));
  const steps = linkSteps(unpackFrame(packed), policies, handlers, before);
  let until = now() + SLICE_MS;
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) return step.value;
    if (now() < until) continue;
    await pause();
    until = now() + SLICE_MS;
  }
}

/** Stops after each rule, so that whoever links can do something else in between. */
type Steps<T> = Generator<undefined, T>;

/** A policy to be linked, unless it was. */
interface PolicySource {
  readonly digest: () => string | undefined;
  readonly unpack: () => PolicyPieces;
}

function* linkSteps(
  plan: PlanFrame,
  sources: readonly PolicySource[],
  handlers: HandlerSet,
  before: Snapshot | undefined,
): Steps<Snapshot> {
  const alike = before !== undefined && isSameNumbering(before.plan.slots, plan.slots) ? before : undefined;
  const parts = before === undefined || before.parts.isFull ? new SharedParts() : before.parts;
  const scope = linkScope(plan, parts);
  const policies = yield* linkPolicies(sources, alike, scope);
  const doors = new Map(plan.settings.doors.map((door) => [door.door, door]));
  const slots = slotSpecs(plan);
  return Object.freeze({
    id: plan.id,
    plan: { settings: plan.settings, slots: plan.slots },
    policies,
    parts,
    slots,
    carried: slots.filter(({ slot }) => plan.slots[slot]?.carried),
    required: requiredOf(plan).map((name) => ({ slot: scope.slotOf(name), name })),
    frame: linkFrames(plan, scope),
    door: (name) => doors.get(name),
    handlers,
    checks: yield* checkPrograms(policies, alike?.checks),
    reports: yield* reportPrograms(policies),
  } satisfies Snapshot);
}

/** What was linked before, by digest. Nothing of it means the same once a slot has got another number. */
function reusable(alike: Snapshot | undefined): ReadonlyMap<string, PolicyProgram> {
  const reused = new Map<string, PolicyProgram>();
  for (const program of alike?.policies ?? []) if (program.digest !== undefined) reused.set(program.digest, program);
  return reused;
}

/** Links what cannot be reused. The others keep their numbers, and the new ones get those that are free. */
function* linkPolicies(
  sources: readonly PolicySource[],
  alike: Snapshot | undefined,
  scope: RuleScope,
): Steps<readonly PolicyProgram[]> {
  const reused = reusable(alike);
  const known = yield* each(sources, (source) => {
    const digest = source.digest();
    return { digest, unpack: source.unpack, program: digest === undefined ? undefined : reused.get(digest) };
  });
  const taken = yield* numbersOf(
    known.flatMap(({ program }) => program?.policy ?? []),
    alike,
  );
  const programs: PolicyProgram[] = [];
  let index = 0;
  for (const { digest, unpack, program } of known) {
    while (taken.has(index)) index += 1;
    programs.push(program ?? (yield* linkPolicy(unpack(), digest, index, scope)));
    if (program === undefined) index += 1;
    yield;
  }
  return programs;
}

/** Numbers of policies that go on, or may be asked for by what goes on. */
function* numbersOf(policies: readonly LinkedPolicy[], alike: Snapshot | undefined): Steps<ReadonlySet<number>> {
  const numbers = new Set(policies.map(({ index }) => index));
  for (const { indexes } of new Set(Object.values(alike?.checks ?? {}))) {
    let last: LinkedPolicy | undefined;
    for (const policy of keptPolicies(indexes)) {
      // Rules of a policy stand together.
      if (policy === last) continue;
      last = policy;
      numbers.add(policy.index);
      yield;
    }
  }
  return numbers;
}

function noDigest(): undefined {
  return undefined;
}

function wholePolicy(policy: PolicyPlan): PolicyPieces {
  return { head: policy, pieces: [policy] };
}

function slotSpecs(plan: PlanFrame): SlotSpec[] {
  return plan.slots.map(({ name, keys }, slot) => (keys === undefined ? { slot, name } : { slot, name, keys }));
}

function linkFrames(plan: PlanFrame, scope: LinkScope): Snapshot["frame"] {
  const specs = slotSpecs(plan);
  const mask = maskFor(plan);
  const derived = plan.slots.map((slot) => slot.derived && linkDerived(slot.name, slot.derived, scope, plan));
  const maskedDerived = derived.map((evaluate, slot) => evaluate && hiding(evaluate, specs[slot]?.name ?? "", mask));
  const slots = specs.length;
  const open = { slots, derived };
  const hidden = { slots, derived: maskedDerived };
  const underived = { slots, derived: plan.slots.map(() => undefined) };
  return (source, { derive, record, masked = false }) =>
    frameOf(masked ? maskedSource(source, specs, mask) : source, derive ? (masked ? hidden : open) : underived, record);
}

/** Header names are held in lower case, however they are written in `mask:`. */
function maskFor({ settings: { mask } }: PlanFrame): Mask {
  return maskOf([...mask, ...mask.map((name) => name.toLowerCase())]);
}

/** A derived attribute may be masked by its own name, whatever it is derived from. */
function hiding(evaluate: Evaluate, name: string, mask: Mask): Evaluate {
  return (frame) => mask.apply(name, evaluate(frame));
}

function requiredOf({ settings }: PlanFrame): readonly string[] {
  return settings.doors.flatMap((door) => (door.door === "weir" ? door.requires : []));
}

/** With what the conditions linked so far have in common. */
interface RuleScope extends LinkScope {
  readonly subjects: Subjects;
}

function linkScope(plan: PlanFrame, shared: SharedParts): RuleScope {
  const slots = new Map(plan.slots.map((slot, index) => [keyOf(slot), index]));
  const slotOf = (attribute: string): number => {
    const slot = slots.get(attribute);
    if (slot === undefined) throw new Error(`plan has no slot for attribute ${attribute}`);
    return slot;
  };
  return { slotOf, shared, subjects: new Subjects({ slotOf, shared }) };
}

/** Inside its own derivation an attribute's name means the door's raw value. */
function linkDerived(name: string, plan: ExpressionPlan, scope: LinkScope, whole: PlanFrame): Evaluate {
  const hasRaw = whole.slots.some((slot) => slot.raw && slot.name === name);
  const slotOf = (attribute: string): number => scope.slotOf(hasRaw && attribute === name ? rawKey(name) : attribute);
  return linkExpression(plan, { slotOf });
}

/** What each door evaluates: that of its policies, one after the other. */
function* checkPrograms(
  policies: readonly PolicyProgram[],
  before: Snapshot["checks"] | undefined,
): Steps<Snapshot["checks"]> {
  const programs = { weir: empty(), "ext-authz": empty(), "ext-authz-tcp": empty(), "access-log": empty() };
  for (const { policy, check } of policies) {
    for (const door of policy.plan.doors) addPolicy(programs[door], policy, check);
    yield;
  }
  const made: CheckProgram[] = [];
  return {
    weir: yield* indexed(programs.weir, made, before?.weir.indexes),
    "ext-authz": yield* indexed(programs["ext-authz"], made, before?.["ext-authz"].indexes),
    "ext-authz-tcp": yield* indexed(programs["ext-authz-tcp"], made, before?.["ext-authz-tcp"].indexes),
    "access-log": yield* indexed(programs["access-log"], made, before?.["access-log"].indexes),
  };
}

type Unindexed = Omit<CheckProgram, "indexes">;

function empty(): Building<Unindexed> {
  return { rules: [], asks: [], changes: [], limits: [], cached: false, shadows: false };
}

/** Doors of the same policies, as most are, share what is made of them. */
function* indexed(program: Unindexed, made: CheckProgram[], before: CheckIndexes | undefined): Steps<CheckProgram> {
  const known = made.find((other) => hasSameRules(other, program));
  if (known) return known;
  const complete = { ...program, indexes: yield* buildIndexes(program, before) };
  made.push(complete);
  return complete;
}

function hasSameRules(a: CheckRules, b: CheckRules): boolean {
  return (
    isSame(a.rules, b.rules) && isSame(a.asks, b.asks) && isSame(a.changes, b.changes) && isSame(a.limits, b.limits)
  );
}

function isSame<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((one, position) => one === b[position]);
}

function addPolicy(program: Building<Unindexed>, policy: LinkedPolicy, check: CheckRules): void {
  addRules(program, check);
  program.cached ||= policy.plan.cache.forMs > 0 && check.rules.length > 0;
  program.shadows ||= hasShadow(check);
}

function hasShadow({ rules, asks, limits }: CheckRules): boolean {
  return rules.some(({ shadow }) => shadow) || [...asks, ...limits].some(({ plan }) => plan.shadow);
}

function* reportPrograms(policies: readonly PolicyProgram[]): Steps<Snapshot["reports"]> {
  const all: Building<Snapshot["reports"]> = { request: [], decision: [] };
  for (const { reports } of policies) {
    addAll(all.request, reports.request);
    addAll(all.decision, reports.decision);
    yield;
  }
  return all;
}

/** While it is put together. */
type Building<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer R)[] ? R[] : T[K] };

function addRules(to: Building<CheckRules>, { rules, asks, changes, limits }: CheckRules): void {
  addAll(to.rules, rules);
  addAll(to.asks, asks);
  addAll(to.changes, changes);
  addAll(to.limits, limits);
}

/** Not spread into `push`: ten thousand rules are more arguments than a call takes. */
function addAll<T>(to: T[], from: readonly T[]): void {
  for (const one of from) to.push(one);
}

/** Links one policy, piece by piece. The pieces with their trees are not kept. */
function* linkPolicy(
  { head, pieces }: PolicyPieces,
  digest: string | undefined,
  index: number,
  scope: RuleScope,
): Steps<PolicyProgram> {
  const { name, file, doors, cache } = head;
  const policy: LinkedPolicy = { plan: { name, file, doors, cache }, index, ...condition(head.when, scope) };
  const check: Building<CheckRules> = { rules: [], asks: [], changes: [], limits: [] };
  const reports: Building<Snapshot["reports"]> = { request: [], decision: [] };
  for (const piece of pieces) {
    addRules(check, yield* linkRules(policy, piece, scope));
    for (const report of piece.reports) {
      reports[report.of].push(linkReport(policy, report, scope));
      yield;
    }
  }
  return { digest, policy, check, reports };
}

/** Links some rules of a policy: the only place where their trees are looked at. */
function* linkRules(policy: LinkedPolicy, rules: PolicyRules, scope: RuleScope): Steps<CheckRules> {
  return {
    rules: yield* each(
      rules.verdictRules,
      (rule): LinkedRule => ({
        policy,
        effect: rule.effect,
        reference: rule.reference,
        ...condition(rule.when, scope),
        shadow: rule.shadow,
        respond: linkRespond(rule.respond, scope),
      }),
    ),
    asks: yield* each(rules.asks, (ask) => linkAsk(policy, ask, scope)),
    changes: yield* each(rules.changes, (change) => linkChange(policy, change, scope)),
    limits: yield* each(rules.limits, (limit) => linkLimit(policy, limit, scope)),
  };
}

function* each<T, R>(items: readonly T[], make: (item: T) => R): Steps<readonly R[]> {
  const made: R[] = [];
  for (const item of items) {
    made.push(make(item));
    yield;
  }
  return made;
}

function linkAsk(policy: LinkedPolicy, ask: AskPlan, scope: RuleScope): LinkedAsk {
  const { when, value, respond, ...plan } = ask;
  return {
    policy,
    plan,
    ...condition(when, scope),
    value: linkExpression(value, scope),
    respond: linkRespond(respond, scope),
  };
}

function linkChange(policy: LinkedPolicy, change: ChangePlan, scope: LinkScope): LinkedChange {
  const { reference, shadow, keepClientValue, request, query, response } = change;
  return {
    policy,
    plan: { reference, shadow, keepClientValue },
    when: optional(change.when, scope),
    requestSet: texts(request.set, scope),
    requestAdd: texts(request.add, scope),
    requestRemove: request.remove,
    querySet: texts(query.set, scope),
    queryRemove: query.remove,
    responseSet: texts(response.set, scope),
    responseAdd: texts(response.add, scope),
    responseRemove: response.remove,
  };
}

function linkLimit(policy: LinkedPolicy, limit: LimitPlan, scope: RuleScope): LinkedLimit {
  const { by, when, cost, respond, ...plan } = limit;
  return {
    policy,
    plan,
    ...condition(when, scope),
    cost: optional(cost, scope),
    by: evaluations(by, scope),
    respond: linkRespond(respond, scope),
  };
}

function linkReport(policy: LinkedPolicy, report: ReportPlan, scope: LinkScope): LinkedReport {
  const common = { policy, when: optional(report.when, scope) };
  const { reference, handlers } = report;
  switch (report.kind) {
    case "metric": {
      const { when: _, value, dimensions, ...plan } = report;
      const evaluate = linkExpression(value, scope);
      const linked = dimensions.map(({ expression }) => linkExpression(expression, scope));
      return { ...common, kind: "metric", plan, value: evaluate, dimensions: linked };
    }
    case "logentry": {
      const severity = optional(report.severity, scope);
      const message = linkTemplate(report.message, scope);
      const variables = evaluations(report.variables, scope);
      return { ...common, kind: "logentry", plan: { reference, handlers }, severity, message, variables };
    }
    case "tracespan": {
      const spanName = linkTemplate(report.spanName, scope);
      const attributes = evaluations(report.attributes, scope);
      return { ...common, kind: "tracespan", plan: { reference, handlers }, spanName, attributes };
    }
  }
}

function evaluations(
  entries: readonly { readonly name: string; readonly expression: ExpressionPlan }[],
  scope: LinkScope,
): { name: string; evaluate: Evaluate }[] {
  return entries.map(({ name, expression }) => ({ name, evaluate: linkExpression(expression, scope) }));
}

function linkRespond(plan: RespondPlan | undefined, scope: LinkScope): LinkedRespond | undefined {
  if (plan === undefined) return undefined;
  const kept = plan.status === undefined ? {} : { status: plan.status };
  const body = plan.body ? linkTemplate(plan.body, scope) : undefined;
  return { plan: kept, headers: texts(plan.headers, scope), body, constant: isConstant(plan) };
}

function isConstant({ headers, body }: RespondPlan): boolean {
  return [...headers.map(({ template }) => template), ...(body ? [body] : [])].every(({ reads }) => reads.length === 0);
}

function texts(entries: readonly NamedTemplate[], scope: LinkScope): LinkedText[] {
  return entries.map(({ name, template }): { name: string; render: Render } => ({
    name,
    render: linkTemplate(template, scope),
  }));
}

/** A condition, and what is known of it without evaluating it: its tree is not kept. */
function condition(plan: ExpressionPlan | undefined, scope: RuleScope): Pick<LinkedConditional, "when" | "tests"> {
  return { when: optional(plan, scope), tests: plan ? testsOf(plan, scope.subjects) : NO_TESTS };
}

function optional(plan: ExpressionPlan | undefined, scope: LinkScope): Evaluate | undefined {
  return plan && linkExpression(plan, scope);
}
