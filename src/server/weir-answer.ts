import type { Duration } from "#proto/google/protobuf/duration";
import {
  CheckResponse,
  ReferencedAttribute_Condition as Condition,
  type Header,
  type HeaderChanges,
  type QuotaResult,
  type Validity,
  Verdict,
} from "#proto/weir/v1/check";
import type { Decision, HeaderPair, LimitResult, Validity as Reusable } from "../engine/decision.ts";
import type { RequestedQuota } from "../engine/engine.ts";
import { STATUS } from "../wire/door.ts";
import { REFUSAL_MESSAGE, refusalCode } from "./refusal-status.ts";

const VERDICTS: Readonly<Record<Decision["verdict"], Verdict>> = {
  allowed: Verdict.ALLOWED,
  denied: Verdict.DENIED,
  limited: Verdict.LIMITED,
  undecided: Verdict.UNDECIDED,
};

/** The decision as a native caller reads it, whole. */
export function encodeDecision(decision: Decision, quotas: readonly RequestedQuota[]): Uint8Array {
  const { verdict, changes, response, rule } = decision;
  const message: CheckResponse = {
    verdict: VERDICTS[verdict],
    reason: decision.reason,
    statusCode: verdict === "allowed" ? STATUS.ok : refusalCode(verdict, response?.status ?? 0),
    // What the caller itself left out, it may and must know; of everything else the answer says nothing about the policies.
    statusMessage: decision.reason === "incomplete" ? decision.detail : REFUSAL_MESSAGE[verdict],
    ...(rule ? { rule: { name: rule.rule, location: `${rule.file}:${rule.line}` } } : {}),
    snapshot: decision.snapshot,
    decisionId: decision.decisionId,
    ...optional("requestHeaders", headerChanges(changes.requestSet, changes.requestAdd, changes.requestRemove)),
    ...optional("responseHeaders", headerChanges(changes.responseSet, changes.responseAdd, changes.responseRemove)),
    ...optional("query", queryChanges(changes.querySet, changes.queryRemove)),
    ...(response
      ? { directResponse: { status: response.status, headers: pairs(response.headers), body: response.body } }
      : {}),
    ...optional("validity", validity(decision.validity)),
    quotas: quotaResults(decision, quotas),
  };
  if (verdict !== "allowed" && message.statusCode === STATUS.ok)
    throw new Error("a refusal with the status of an answer");
  return CheckResponse.toBinary(message);
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  // TypeScript widens a computed key to string.
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}

function pairs(headers: readonly HeaderPair[]): Header[] {
  return headers.map(([name, value]) => ({ name, value }));
}

function headerChanges(
  set: readonly HeaderPair[],
  add: readonly HeaderPair[],
  remove: readonly string[],
): HeaderChanges | undefined {
  if (set.length + add.length + remove.length === 0) return undefined;
  return { set: pairs(set), add: pairs(add), remove: [...remove] };
}

function queryChanges(set: readonly HeaderPair[], remove: readonly string[]) {
  return set.length + remove.length === 0 ? undefined : { set: pairs(set), remove: [...remove] };
}

function validity({ forMs, uses, referenced }: Reusable): Validity | undefined {
  if (forMs <= 0) return undefined;
  return {
    duration: milliseconds(forMs),
    useCount: uses,
    referenced: referenced.map(({ attribute, key, condition }) => ({
      attribute,
      ...(key === undefined ? {} : { key }),
      condition: condition === "exact" ? Condition.EXACT : Condition.ABSENT,
    })),
  };
}

function milliseconds(ms: number): Duration {
  const seconds = Math.floor(ms / 1000);
  return { seconds: BigInt(seconds), nanos: Math.round((ms - seconds * 1000) * 1_000_000) };
}

/** Those asked for, in their order, then the others that were charged. */
function quotaResults(decision: Decision, quotas: readonly RequestedQuota[]): QuotaResult[] {
  const asked = new Set(quotas.map((quota) => quota.name));
  const byName = new Map(decision.limits.map((limit) => [limit.reference.rule, limit]));
  return [
    ...quotas.map((quota) => {
      const limit = byName.get(quota.name);
      return limit ? quotaResult(limit) : notCharged(quota, decision);
    }),
    ...decision.limits.filter((limit) => !asked.has(limit.reference.rule)).map(quotaResult),
  ];
}

function quotaResult({
  reference,
  verdict,
  reason,
  granted,
  remaining,
  retryAfterMs,
  validity: own,
}: LimitResult): QuotaResult {
  return {
    name: reference.rule,
    verdict: VERDICTS[verdict],
    reason,
    granted,
    remaining,
    ...(retryAfterMs === undefined ? {} : { retryAfter: milliseconds(retryAfterMs) }),
    ...optional("validity", validity(own)),
  };
}

/** No limit spoke: the request was refused before it came to that, or the limit is a shadow and holds nobody back. */
function notCharged({ name, amount }: RequestedQuota, { verdict, reason }: Decision): QuotaResult {
  return { name, verdict: VERDICTS[verdict], reason, granted: verdict === "allowed" ? amount : 0n };
}
