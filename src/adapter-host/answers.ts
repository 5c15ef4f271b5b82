import type {
  CheckAnswer,
  QuotaAnswer,
  QuotaCharge,
  QuotaGrant,
  QuotaRefusal,
  QuotaRequest,
} from "../adapter/templates.ts";

/** What adapters answer, judged before the engine believes it. Each throws when the answer is none. */

export function usableCheckAnswer(answer: unknown): CheckAnswer {
  if (isObject(answer) && "kind" in answer) {
    if (answer.kind === "no-objection") return { kind: "no-objection" };
    if (answer.kind === "objection") return { kind: "objection", message: textIn(answer, "message") };
    if (answer.kind === "unavailable") return { kind: "unavailable", reason: textIn(answer, "reason") };
  }
  throw new Error("the adapter's answer is none that a check handler can give");
}

/** Nothing is believed that would admit more than was asked for, or speak of charges that were not asked for. */
export function usableQuotaAnswer(answer: unknown, request: QuotaRequest): QuotaAnswer {
  if (isObject(answer) && "kind" in answer) {
    if (answer.kind === "unavailable") {
      const down = !("cause" in answer) || answer.cause !== "full";
      return { kind: "unavailable", cause: down ? "down" : "full", reason: textIn(answer, "reason") };
    }
    // The answer to a give-back is ignored.
    if (request.operation === "give-back") return { kind: "granted", grants: [] };
    if (answer.kind === "granted" && "grants" in answer && areGrants(answer.grants, request.charges)) {
      return { kind: "granted", grants: answer.grants };
    }
    if (answer.kind === "refused" && "refusals" in answer && areRefusals(answer.refusals, request.charges)) {
      return { kind: "refused", refusals: answer.refusals };
    }
  }
  throw new Error("the adapter's answer is none that a quota handler can give");
}

function areGrants(grants: unknown, charges: readonly QuotaCharge[]): grants is readonly QuotaGrant[] {
  if (!Array.isArray(grants) || grants.length !== charges.length) return false;
  return charges.every((charge, index) => {
    const grant: unknown = grants[index];
    if (!isObject(grant) || !("granted" in grant) || typeof grant.granted !== "bigint") return false;
    const enough = charge.bestEffort ? grant.granted >= 0n : grant.granted === charge.amount;
    return enough && grant.granted <= charge.amount && hasRemaining(grant) && hasMs(grant, "resetAfterMs");
  });
}

function areRefusals(refusals: unknown, charges: readonly QuotaCharge[]): refusals is readonly QuotaRefusal[] {
  if (!Array.isArray(refusals) || refusals.length === 0) return false;
  return refusals.every((refusal: unknown) => {
    if (!isObject(refusal) || !("charge" in refusal) || typeof refusal.charge !== "number") return false;
    return charges[refusal.charge] !== undefined && hasRemaining(refusal) && hasMs(refusal, "retryAfterMs");
  });
}

function hasRemaining(value: object): boolean {
  return "remaining" in value && typeof value.remaining === "bigint" && value.remaining >= 0n;
}

function hasMs(value: object, key: string): boolean {
  const ms: unknown = Reflect.get(value, key);
  return typeof ms === "number" && ms >= 0;
}

function textIn(value: object, key: string): string {
  const text: unknown = Reflect.get(value, key);
  return typeof text === "string" ? text : "";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
