import type { AttributeSource } from "../attribute/source.ts";
import { ABSENT } from "../attribute/value.ts";
import type { RequestFrame } from "../expression/frame.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { askAdapters } from "./asks.ts";
import { chargeLimits } from "./charge.ts";
import { judge } from "./decide.ts";
import { type Decision, NO_CHANGES, NOT_REUSABLE } from "./decision.ts";
import type { EngineClock } from "./engine.ts";
import { changeHeaders } from "./headers.ts";
import type { Refusals } from "./refusals.ts";
import type { Ruling, Run } from "./run.ts";
import { validityOf } from "./validity.ts";

/** A step may refuse the run; it returns a promise only when something had to wait. */
type Step = (run: Run) => undefined | Promise<undefined>;

/**
 * The order of steps, once. Each is taken only while nothing has refused.
 * Attribute producers (a later issue) are asked before `decideByRules`, only for attributes that some rule reads.
 */
const STEPS: readonly Step[] = [requireAttributes, decideByRules, askAdapters, chargeLimits, changeHeaders];

/** The steps of a caller that wants quota only: it may, and its rules were checked before. */
const QUOTA_ONLY_STEPS: readonly Step[] = [requireAttributes, allowForQuota, chargeLimits];

/** Takes one Check through the steps. Never throws for what a request or a policy holds. */
export function runSteps(run: Run): undefined | Promise<undefined> {
  const { refused, quotaOnly } = run.input;
  if (refused) {
    run.refuse("undecided", refused.reason, undefined, refused.detail);
    return undefined;
  }
  run.ruling = NOTHING_SAID;
  return stepFrom(quotaOnly ? QUOTA_ONLY_STEPS : STEPS, 0, run);
}

/** Before the first step has spoken. */
const NOTHING_SAID: Ruling = {
  verdict: "allowed",
  reason: "unmatched",
  rule: undefined,
  respond: undefined,
  detail: "",
};

function stepFrom(steps: readonly Step[], first: number, run: Run): undefined | Promise<undefined> {
  for (let index = first; index < steps.length; index += 1) {
    const waiting = steps[index]?.(run);
    if (waiting) return stepLater(waiting, steps, index + 1, run);
    if (run.refused) return undefined;
  }
  return undefined;
}

/** Apart from the loop: what a closure there refers to would be made anew in each round, for every Check. */
async function stepLater(
  waiting: Promise<undefined>,
  steps: readonly Step[],
  next: number,
  run: Run,
): Promise<undefined> {
  await waiting;
  return run.refused ? undefined : stepFrom(steps, next, run);
}

/** A native Check that lacks what `doors.weir.requires` names cannot be decided by rules that rely on it. */
function requireAttributes(run: Run): undefined {
  if (run.input.door !== "weir") return undefined;
  for (const { slot, name } of run.snapshot.required) {
    if (!run.frame.isAbsent(slot)) continue;
    run.refuse("undecided", "incomplete", undefined, `\`${name}\` is missing`);
    return undefined;
  }
  return undefined;
}

function decideByRules(run: Run): undefined {
  run.ruling = judge(run.program.indexes, run.conditions, run.snapshot.plan.settings.unmatched);
  return undefined;
}

function allowForQuota(run: Run): undefined {
  run.ruling = { verdict: "allowed", reason: "quota-only", rule: undefined, respond: undefined, detail: "" };
  return undefined;
}

/** Puts the answer together when the steps are done. */
export function decisionOf(run: Run, clock: EngineClock, refusals: Refusals): Decision {
  const { verdict, reason, rule, detail } = run.ruling;
  const allowed = verdict === "allowed";
  return {
    verdict,
    reason,
    rule,
    snapshot: run.snapshot.id,
    decisionId: run.decisionId,
    door: run.input.door,
    detail,
    response: allowed ? undefined : refusals.of(run),
    changes: allowed ? run.changes : NO_CHANGES,
    limits: run.limits,
    validity: run.program.cached ? validityOf(run, clock) : NOT_REUSABLE,
    tookUs: Math.max(0, Math.round((clock.monotonicMs() - run.input.call.arrivedMs) * 1000)),
    carried: carriedOf(run),
  };
}

const NOTHING_CARRIED: Decision["carried"] = [];

/** Values that travel with the decision to the access log, errors too; absent ones do not. */
function carriedOf({ input, snapshot, source, frame }: Run): Decision["carried"] {
  // Only Envoy brings metadata back in its access log.
  const carries = snapshot.carried.length > 0 && (input.door === "ext-authz" || input.door === "ext-authz-tcp");
  return carries ? carriedValues(snapshot, source, frame) : NOTHING_CARRIED;
}

function carriedValues(snapshot: Snapshot, source: AttributeSource, frame: RequestFrame): Decision["carried"] {
  let masked: RequestFrame | undefined;
  return snapshot.carried.flatMap(({ slot, name }) => {
    const planned = snapshot.plan.slots[slot];
    // What is derived from a masked value must not take it out of here.
    if (planned?.masked) masked ??= snapshot.frame(source, { derive: true, record: false, masked: true });
    const value = (planned?.masked && masked ? masked : frame).read(slot);
    return value === ABSENT ? [] : [{ name, value }];
  });
}
