import type { QuotaAnswer, QuotaCharge, QuotaGrant } from "../adapter/templates.ts";
import { ABSENT, Invalid } from "../attribute/value.ts";
import { describe } from "../snapshot/conditions.ts";
import type { LinkedLimit } from "../snapshot/linked.ts";
import { bucketKey } from "./bucket-key.ts";
import { type LimitResult, NOT_REUSABLE } from "./decision.ts";
import type { RequestedQuota } from "./engine.ts";
import { beyondTheCall, type Run } from "./run.ts";

/**
 * Charges the limits that apply (semantics.md section 4), after everything else said yes. The limits of one handler are charged together
 * or not at all; several handlers one after the other, and what was charged is given back when a later one refuses. Returns a promise
 * only when a store had to wait.
 */
export function chargeLimits(run: Run): undefined | Promise<undefined> {
  if (run.program.limits.length === 0) return undefined;
  const prepared: Prepared[] = [];
  // A caller who names limits is told of each of them, of those too that do not apply.
  if (run.input.quotas.length > 0) {
    for (const limit of run.program.limits) {
      if (!limit.plan.shadow && !prepareInto(prepared, limit, run)) return undefined;
    }
  } else {
    const found = run.program.indexes.limits.find(run.conditions);
    for (let limit = found.next(); limit !== undefined; limit = found.next()) {
      if (!prepareInto(prepared, limit, run)) return undefined;
    }
  }
  if (prepared.length === 0) return undefined;
  return chargeGroups(groups(prepared, run), run);
}

/** One limit of this request with what to charge; a `free` one costs nothing. */
interface Prepared {
  readonly limit: LinkedLimit;
  readonly charge: QuotaCharge;
}

/** @returns false when it refused. */
function prepareInto(prepared: Prepared[], limit: LinkedLimit, run: Run): boolean {
  const one = prepare(limit, run);
  if (one === "refused") return false;
  if (one) prepared.push(one);
  return true;
}

/** @returns undefined where the limit does not apply or costs nothing, `refused` where that cannot be told or can never fit. */
function prepare(limit: LinkedLimit, run: Run): Prepared | "refused" | undefined {
  const { plan } = limit;
  const named = run.input.quotas.find((quota) => quota.name === plan.reference.rule);
  if (plan.onRequest && named === undefined) return undefined;
  const made = makeCharge(limit, named, run);
  switch (made.kind) {
    case "not-applicable":
      if (named) record(run, free(limit, named.amount));
      return undefined;
    case "free":
      record(run, free(limit, 0n));
      return undefined;
    case "error":
      run.refuse("undecided", "limit-error", plan.reference, made.why);
      return "refused";
    case "too-large":
      record(run, { ...free(limit, 0n), verdict: "limited", reason: "limit" });
      run.refuse("limited", "limit", plan.reference, `costs ${made.cost}, more than \`max\``, limit.respond);
      return "refused";
    case "charge":
      return { limit, charge: made.charge };
  }
}

type Made =
  | { readonly kind: "not-applicable" }
  | { readonly kind: "free" }
  | { readonly kind: "error"; readonly why: string }
  | { readonly kind: "too-large"; readonly cost: bigint }
  | { readonly kind: "charge"; readonly charge: QuotaCharge };

/** Works out what a limit costs this request and which counter it goes to. */
export function makeCharge(limit: LinkedLimit, named: RequestedQuota | undefined, run: Run): Made {
  const { plan } = limit;
  const condition = run.conditions.of(limit.policy, limit.when);
  if (condition === false) return { kind: "not-applicable" };
  if (condition !== true) return { kind: "error", why: describe(condition) };
  const cost = named ? named.amount : (limit.cost?.(run.frame) ?? 1n);
  if (cost === ABSENT || cost instanceof Invalid) return { kind: "error", why: describe(cost) };
  if (typeof cost !== "bigint" || cost < 0n) return { kind: "error", why: "`cost` is no int of at least 0" };
  if (cost === 0n) return { kind: "free" };
  const bestEffort = named?.bestEffort ?? false;
  if (cost > plan.max && !bestEffort) return { kind: "too-large", cost };
  const key = bucketKey(plan.reference.rule, limit.by, run.frame);
  if (key instanceof Invalid) return { kind: "error", why: key.reason };
  const charge = { limit: plan.reference.rule, key, max: plan.max, everyMs: plan.everyMs, amount: cost, bestEffort };
  return { kind: "charge", charge };
}

interface Group {
  readonly handler: string;
  readonly prepared: readonly Prepared[];
  readonly deduplicationId: string;
}

/** By handler, in the order in which the handlers first come. */
function groups(prepared: readonly Prepared[], run: Run): readonly Group[] {
  const byHandler = new Map<string, Prepared[]>();
  for (const one of prepared) {
    const group = byHandler.get(one.limit.plan.handler);
    if (group) group.push(one);
    else byHandler.set(one.limit.plan.handler, [one]);
  }
  // What may have to be given back needs an id: only then can a store undo exactly this charge.
  const id = callersId(run) ?? (byHandler.size > 1 ? `decision|${run.decisionId}` : "");
  return [...byHandler].map(([handler, members]) => ({ handler, prepared: members, deduplicationId: id }));
}

/** Charges the groups in order; continues with a promise from the first store that has to wait. */
function chargeGroups(
  all: readonly Group[],
  run: Run,
  first = 0,
  granted: readonly Granted[] = [],
): undefined | Promise<undefined> {
  let done = granted;
  for (let index = first; index < all.length; index += 1) {
    const group = all[index];
    if (group === undefined) return undefined;
    const answer = chargeGroup(group, run);
    if (answer instanceof Promise) {
      return answer.then((settled) => {
        const after = take(group, settled, done, run);
        return after && chargeGroups(all, run, index + 1, after);
      });
    }
    const after = take(group, answer, done, run);
    if (after === undefined) return undefined;
    done = after;
  }
  return undefined;
}

interface Granted {
  readonly group: Group;
  readonly grants: readonly QuotaGrant[];
}

function chargeGroup(group: Group, run: Run): QuotaAnswer | Promise<QuotaAnswer> {
  const { prepared, deduplicationId } = group;
  const request = { operation: "charge", charges: prepared.map(({ charge }) => charge), deduplicationId } as const;
  return run.snapshot.handlers.quota(group.handler).charge(request, run.input.call.signal);
}

/** @returns what is granted so far, or undefined when the request is refused. */
function take(
  group: Group,
  answer: QuotaAnswer,
  granted: readonly Granted[],
  run: Run,
): readonly Granted[] | undefined {
  switch (answer.kind) {
    case "granted":
      group.prepared.forEach((one, index) => {
        const grant = answer.grants[index];
        if (grant) record(run, grantedResult(one, grant));
      });
      return [...granted, { group, grants: answer.grants }];
    case "refused":
      limited(group, answer, run);
      break;
    case "unavailable":
      if (!unavailable(group, answer, run)) return granted;
  }
  giveBack(granted, run);
  return undefined;
}

function limited(group: Group, answer: Extract<QuotaAnswer, { kind: "refused" }>, run: Run): void {
  const [first] = answer.refusals;
  const refusing = group.prepared[first?.charge ?? 0];
  if (refusing === undefined) throw new Error("a quota handler refused a charge that was not asked for");
  for (const refusal of answer.refusals) {
    const one = group.prepared[refusal.charge];
    if (one)
      record(run, {
        ...free(one.limit, 0n),
        remaining: refusal.remaining,
        retryAfterMs: finite(refusal.retryAfterMs),
        verdict: "limited",
        reason: "limit",
      });
  }
  // All of them must fit before a retry can pass.
  const retryAfterMs = finite(Math.max(...answer.refusals.map((refusal) => refusal.retryAfterMs)));
  const { reference } = refusing.limit.plan;
  run.ruling = {
    verdict: "limited",
    reason: "limit",
    rule: reference,
    respond: refusing.limit.respond,
    detail: "",
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** A store says Infinity where waiting does not help. */
function finite(ms: number): number | undefined {
  return Number.isFinite(ms) ? ms : undefined;
}

/** @returns whether the request is refused. A full table is never let through; a store that is down is by the limit's choice. */
function unavailable(group: Group, answer: Extract<QuotaAnswer, { kind: "unavailable" }>, run: Run): boolean {
  const refusing =
    answer.cause === "full"
      ? group.prepared[0]
      : group.prepared.find(({ limit }) => limit.plan.onUnavailable === "deny");
  const reason = answer.cause === "full" ? "limit-error" : "limit-unavailable";
  for (const { limit } of group.prepared)
    record(run, { ...free(limit, 0n), verdict: refusing ? "undecided" : "allowed", reason });
  if (refusing === undefined) return false;
  run.refuse("undecided", reason, refusing.limit.plan.reference, answer.reason);
  return true;
}

/** Undoes earlier grants. Nobody waits for it: the refusal does not depend on it, and a store that cannot only under-admits. */
function giveBack(granted: readonly Granted[], run: Run): void {
  for (const { group, grants } of granted) {
    const charges = group.prepared.map(({ charge }, index) => ({ ...charge, amount: grants[index]?.granted ?? 0n }));
    const request = { operation: "give-back", charges, deduplicationId: group.deduplicationId } as const;
    const answer = run.snapshot.handlers.quota(group.handler).charge(request, beyondTheCall());
    // INVARIANT: a QuotaStore never rejects, so a promise left alone here cannot become an unhandled rejection.
    void answer;
  }
  run.limits = run.limits.map((result) => (result.verdict === "allowed" ? { ...result, granted: 0n } : result));
}

/** The caller's own id, scoped by door and caller: what one peer names cannot meet another's. */
function callersId(run: Run): string | undefined {
  const { deduplicationId: id, door, call } = run.input;
  if (id === "") return undefined;
  const { principal, address } = call.peer;
  // The port changes when a client reconnects to retry.
  const peer = principal === undefined ? `at ${address.slice(0, address.lastIndexOf(":"))}` : `as ${principal}`;
  return `${door}|${peer.length}:${peer}|${id}`;
}

function record(run: Run, result: LimitResult): void {
  run.limits = [...run.limits, result];
}

function grantedResult({ limit }: Prepared, grant: QuotaGrant): LimitResult {
  return { ...free(limit, grant.granted), remaining: grant.remaining };
}

function free({ plan }: LinkedLimit, granted: bigint): LimitResult {
  return {
    reference: plan.reference,
    granted,
    remaining: plan.max,
    max: plan.max,
    retryAfterMs: undefined,
    verdict: "allowed",
    reason: "limit",
    validity: NOT_REUSABLE,
  };
}
