import { type Mask, maskOf } from "../attribute/mask.ts";
import type { SlotSpec } from "../attribute/source.ts";
import type { Evaluate, LinkScope, Render } from "../expression/frame.ts";
import { createFrame, link as linkExpression, linkTemplate } from "../expression/index.ts";
import type { ExpressionPlan } from "../expression/tree.ts";
import { DOOR_NAMES, type DoorName } from "../policy/authored.ts";
import type { HandlerSet } from "./handler-set.ts";
import { maskedSource } from "./masked-source.ts";
import type { NamedTemplate, Plan, PolicyPlan, ReportPlan, RespondPlan } from "./plan.ts";
import { rawKey } from "./slots.ts";
import type {
  CheckProgram,
  LinkedAsk,
  LinkedChange,
  LinkedLimit,
  LinkedPolicy,
  LinkedReport,
  LinkedRespond,
  LinkedRule,
  LinkedText,
  Snapshot,
} from "./snapshot.ts";

/** Makes a Snapshot of a Plan: closures over numbered slots. Done once per thread, before the snapshot serves. */
export function link(plan: Plan, handlers: HandlerSet): Snapshot {
  const steps = linkSteps(plan, handlers);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/** How long linking keeps a thread from what it serves, if no single rule takes longer. */
const SLICE_MS = 2;

/** Time, and giving others their turn. */
export interface Turns {
  /** Milliseconds of any clock that does not go back. */
  readonly now: () => number;
  /** Resolves when whoever was waiting has had his turn. */
  readonly pause: () => Promise<void>;
}

/** The same in slices, for a thread that serves meanwhile. */
export async function linkInTurns(plan: Plan, handlers: HandlerSet, { now, pause }: Turns): Promise<Snapshot> {
  const steps = linkSteps(plan, handlers);
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

function* linkSteps(plan: Plan, handlers: HandlerSet): Steps<Snapshot> {
  const scope = linkScope(plan);
  const policies = yield* each(
    plan.policies.map((policy, index) => ({ policy, index })),
    ({ policy, index }): LinkedPolicy => ({ plan: policy, index, when: optional(policy.when, scope) }),
  );
  const doors = new Map(plan.settings.doors.map((door) => [door.door, door]));
  const slots = slotSpecs(plan);
  return Object.freeze({
    id: plan.id,
    plan,
    slots,
    carried: slots.filter(({ slot }) => plan.slots[slot]?.carried),
    required: requiredOf(plan).map((name) => ({ slot: scope.slotOf(name), name })),
    frame: linkFrames(plan, scope),
    door: (name) => doors.get(name),
    handlers,
    checks: yield* checkPrograms(policies, scope),
    reports: {
      request: yield* linkReports(policies, "request", scope),
      decision: yield* linkReports(policies, "decision", scope),
    },
  } satisfies Snapshot);
}

function* each<T, R>(items: readonly T[], make: (item: T) => R): Steps<readonly R[]> {
  const made: R[] = [];
  for (const item of items) {
    made.push(make(item));
    yield;
  }
  return made;
}

function slotSpecs(plan: Plan): SlotSpec[] {
  return plan.slots.map(({ name }, slot) => ({ slot, name }));
}

function linkFrames(plan: Plan, scope: LinkScope): Snapshot["frame"] {
  const specs = slotSpecs(plan);
  const mask = maskFor(plan);
  const derived = plan.slots.map((slot) => slot.derived && linkDerived(slot.name, slot.derived, scope, plan));
  const maskedDerived = derived.map((evaluate, slot) => evaluate && hiding(evaluate, specs[slot]?.name ?? "", mask));
  const underived = plan.slots.map(() => undefined);
  return (source, { derive, record, masked = false }) =>
    createFrame({
      source: masked ? maskedSource(source, specs, mask) : source,
      slots: specs.length,
      derived: derive ? (masked ? maskedDerived : derived) : underived,
      record,
    });
}

/** Header names are held in lower case, however they are written in `mask:`. */
function maskFor({ settings: { mask } }: Plan): Mask {
  return maskOf([...mask, ...mask.map((name) => name.toLowerCase())]);
}

/** A derived attribute may be masked by its own name, whatever it is derived from. */
function hiding(evaluate: Evaluate, name: string, mask: Mask): Evaluate {
  return (frame) => mask.apply(name, evaluate(frame));
}

function requiredOf({ settings }: Plan): readonly string[] {
  return settings.doors.flatMap((door) => (door.door === "weir" ? door.requires : []));
}

function linkScope(plan: Plan): LinkScope {
  const slots = new Map(plan.slots.map((slot, index) => [slot.raw ? rawKey(slot.name) : slot.name, index]));
  return {
    slotOf(attribute) {
      const slot = slots.get(attribute);
      if (slot === undefined) throw new Error(`plan has no slot for attribute ${attribute}`);
      return slot;
    },
  };
}

/** Inside its own derivation an attribute's name means the door's raw value. */
function linkDerived(name: string, plan: ExpressionPlan, scope: LinkScope, whole: Plan): Evaluate {
  const hasRaw = whole.slots.some((slot) => slot.raw && slot.name === name);
  const slotOf = (attribute: string): number => scope.slotOf(hasRaw && attribute === name ? rawKey(name) : attribute);
  return linkExpression(plan, { slotOf });
}

function* checkPrograms(
  policies: readonly LinkedPolicy[],
  scope: LinkScope,
): Steps<Readonly<Record<DoorName, CheckProgram>>> {
  const linked: { readonly policy: LinkedPolicy; readonly program: PolicyProgram }[] = [];
  for (const policy of policies) linked.push({ policy, program: yield* linkPolicy(policy, scope) });
  const of = (door: DoorName): CheckProgram => {
    const here = linked.filter(({ policy }) => policy.plan.doors.includes(door));
    const programs = here.map(({ program }) => program);
    return {
      cached: here.some(({ policy, program }) => policy.plan.cache.forMs > 0 && program.rules.length > 0),
      shadows: here.some(({ policy }) => hasShadow(policy.plan)),
      rules: programs.flatMap((program) => program.rules),
      asks: programs.flatMap((program) => program.asks),
      changes: programs.flatMap((program) => program.changes),
      limits: programs.flatMap((program) => program.limits),
    };
  };
  const [weir, http, tcp, log] = DOOR_NAMES;
  return { [weir]: of(weir), [http]: of(http), [tcp]: of(tcp), [log]: of(log) };
}

function hasShadow({ verdictRules, asks, limits }: PolicyPlan): boolean {
  return [...verdictRules, ...asks, ...limits].some(({ shadow }) => shadow);
}

/** What one policy has to say on each of its doors. */
type PolicyProgram = Pick<CheckProgram, "rules" | "asks" | "changes" | "limits">;

function* linkPolicy(policy: LinkedPolicy, scope: LinkScope): Steps<PolicyProgram> {
  const { plan } = policy;
  return {
    rules: yield* each(
      plan.verdictRules,
      (rule): LinkedRule => ({
        policy,
        effect: rule.effect,
        reference: rule.reference,
        when: optional(rule.when, scope),
        shadow: rule.shadow,
        respond: linkRespond(rule.respond, scope),
      }),
    ),
    asks: yield* each(
      plan.asks,
      (ask): LinkedAsk => ({
        policy,
        plan: ask,
        when: optional(ask.when, scope),
        value: linkExpression(ask.value, scope),
        respond: linkRespond(ask.respond, scope),
      }),
    ),
    changes: yield* each(plan.changes, (change) => linkChange(policy, change, scope)),
    limits: yield* each(plan.limits, (limit) => linkLimit(policy, limit, scope)),
  };
}

function linkChange(policy: LinkedPolicy, plan: PolicyPlan["changes"][number], scope: LinkScope): LinkedChange {
  return {
    policy,
    plan,
    when: optional(plan.when, scope),
    requestSet: texts(plan.request.set, scope),
    requestAdd: texts(plan.request.add, scope),
    querySet: texts(plan.query.set, scope),
    responseSet: texts(plan.response.set, scope),
    responseAdd: texts(plan.response.add, scope),
  };
}

function linkLimit(policy: LinkedPolicy, plan: PolicyPlan["limits"][number], scope: LinkScope): LinkedLimit {
  return {
    policy,
    plan,
    when: optional(plan.when, scope),
    cost: optional(plan.cost, scope),
    by: plan.by.map(({ name, expression }) => ({ name, evaluate: linkExpression(expression, scope) })),
    respond: linkRespond(plan.respond, scope),
  };
}

function* linkReports(
  policies: readonly LinkedPolicy[],
  of: ReportPlan["of"],
  scope: LinkScope,
): Steps<readonly LinkedReport[]> {
  const reports = policies.flatMap((policy) =>
    policy.plan.reports.filter((report) => report.of === of).map((report) => ({ policy, report })),
  );
  return yield* each(reports, ({ policy, report }) => linkReport(policy, report, scope));
}

function linkReport(policy: LinkedPolicy, plan: ReportPlan, scope: LinkScope): LinkedReport {
  const common = { policy, when: optional(plan.when, scope) };
  switch (plan.kind) {
    case "metric": {
      const dimensions = plan.dimensions.map(({ expression }) => linkExpression(expression, scope));
      return { ...common, kind: "metric", plan, value: linkExpression(plan.value, scope), dimensions };
    }
    case "logentry": {
      const severity = optional(plan.severity, scope);
      const message = linkTemplate(plan.message, scope);
      return { ...common, kind: "logentry", plan, severity, message, variables: evaluations(plan.variables, scope) };
    }
    case "tracespan": {
      const spanName = linkTemplate(plan.spanName, scope);
      return { ...common, kind: "tracespan", plan, spanName, attributes: evaluations(plan.attributes, scope) };
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
  const body = plan.body ? linkTemplate(plan.body, scope) : undefined;
  return { plan, headers: texts(plan.headers, scope), body, constant: isConstant(plan) };
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

function optional(plan: ExpressionPlan | undefined, scope: LinkScope): Evaluate | undefined {
  return plan && linkExpression(plan, scope);
}
