import { ABSENT } from "../attribute/value.ts";
import type { RequestFrame } from "../expression/frame.ts";
import { askAdapters } from "./asks.ts";
import { chargeLimits } from "./charge.ts";
import { judge } from "./decide.ts";
import { type Decision, type DirectResponse, type HeaderPair, NO_CHANGES } from "./decision.ts";
import { changeHeaders, respondBody, respondHeaders } from "./headers.ts";
import type { Run } from "./run.ts";
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
  run.ruling = { verdict: "allowed", reason: "unmatched", rule: undefined, respond: undefined, detail: "" };
  return stepFrom(quotaOnly ? QUOTA_ONLY_STEPS : STEPS, 0, run);
}

function stepFrom(steps: readonly Step[], first: number, run: Run): undefined | Promise<undefined> {
  for (const [index, step] of steps.entries()) {
    if (index < first) continue;
    const waiting = step(run);
    if (waiting) return waiting.then(() => (run.refused ? undefined : stepFrom(steps, index + 1, run)));
    if (run.refused) return undefined;
  }
  return undefined;
}

/** A native Check that lacks what `doors.weir.requires` names cannot be decided by rules that rely on it. */
function requireAttributes(run: Run): undefined {
  if (run.input.door !== "weir") return undefined;
  const missing = run.snapshot.required.find(({ slot }) => run.frame.isPresent(slot) === false);
  if (missing !== undefined) run.refuse("undecided", "incomplete", undefined, `\`${missing.name}\` is missing`);
  return undefined;
}

function decideByRules(run: Run): undefined {
  const { verdict, reason, rule, detail } = judge(
    run.program.rules,
    run.conditions,
    run.snapshot.plan.settings.unmatched,
  );
  // Only a deny that is true answers in its own words: an undecided request is told nothing about our inside.
  const respond = verdict === "denied" ? rule?.respond : undefined;
  run.ruling = { verdict, reason, rule: rule?.reference, respond, detail };
  return undefined;
}

function allowForQuota(run: Run): undefined {
  run.ruling = { verdict: "allowed", reason: "quota-only", rule: undefined, respond: undefined, detail: "" };
  return undefined;
}

/** What dates a decision. */
export interface DecisionStamp {
  /** Monotonic milliseconds, same scale as the call's arrival. */
  readonly nowMs: number;
  /** Wall clock, milliseconds since the epoch: for a token's expiry. */
  readonly wallMs: number;
}

/** Puts the answer together when the steps are done. */
export function decisionOf(run: Run, { nowMs, wallMs }: DecisionStamp): Decision {
  const { verdict, reason, rule, detail } = run.ruling;
  return {
    verdict,
    reason,
    ...(rule ? { rule } : {}),
    snapshot: run.snapshot.id,
    decisionId: run.decisionId,
    door: run.input.door,
    detail,
    ...(verdict === "allowed" ? {} : { response: refusal(run) }),
    changes: verdict === "allowed" ? run.changes : NO_CHANGES,
    limits: run.limits,
    validity: validityOf(run, wallMs),
    tookUs: Math.max(0, Math.round((nowMs - run.input.call.arrivedMs) * 1000)),
    carried: carriedOf(run),
  };
}

const DENIED_STATUS = 403;
const LIMITED_STATUS = 429;

function refusal(run: Run): DirectResponse {
  const { verdict, respond, retryAfterMs } = run.ruling;
  const status = respond?.plan.status ?? (verdict === "limited" ? LIMITED_STATUS : DENIED_STATUS);
  const headers = respondHeaders(respond, run);
  const wait: HeaderPair[] =
    retryAfterMs === undefined ? [] : [["retry-after", String(Math.max(1, Math.ceil(retryAfterMs / 1000)))]];
  const ownsWait = headers.some(([name]) => name === "retry-after");
  return { status, headers: ownsWait ? headers : [...headers, ...wait], body: respondBody(respond, run) };
}

/** Values that travel with the decision to the access log, errors too; absent ones do not. */
function carriedOf({ input, snapshot, source, frame }: Run): Decision["carried"] {
  // Only Envoy brings metadata back in its access log.
  if (!input.door.startsWith("ext-authz")) return [];
  let masked: RequestFrame | undefined;
  return snapshot.carried.flatMap(({ slot, name }) => {
    const planned = snapshot.plan.slots[slot];
    // What is derived from a masked value must not take it out of here.
    if (planned?.masked) masked ??= snapshot.frame(source, { derive: true, record: false, masked: true });
    const value = (planned?.masked && masked ? masked : frame).read(slot);
    return value === ABSENT ? [] : [{ name, value }];
  });
}
