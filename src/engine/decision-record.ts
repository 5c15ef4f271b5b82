import type { AttributeSource, SlotSpec } from "../attribute/source.ts";
import { ABSENT, type Outcome } from "../attribute/value.ts";
import type { ReportRecord } from "../report/record.ts";
import type { Decision } from "./decision.ts";
import type { Run } from "./run.ts";

/** A decision as a record: the request's own attributes with `check.*` beside them. What `of: decision` rules read. */
export function decisionRecord(
  run: Run,
  decision: Decision,
  timeNanos: bigint,
  traceparent: string | undefined,
): ReportRecord {
  return {
    door: run.input.door,
    source: decisionSource(run.source, run.snapshot.slots, decision),
    derive: true,
    timeNanos,
    startNanos: timeNanos - BigInt(decision.tookUs) * 1000n,
    endNanos: timeNanos,
    traceparent,
    error: decision.verdict !== "allowed",
  };
}

/** The attributes of a decision, one row each; their meaning stands in the vocabulary. */
const CHECK_ATTRIBUTES: Readonly<Record<string, (decision: Decision) => Outcome>> = {
  "check.verdict": (decision) => decision.verdict,
  "check.reason": (decision) => decision.reason,
  "check.rule": (decision) => decision.rule?.rule ?? ABSENT,
  "check.location": (decision) => (decision.rule ? `${decision.rule.file}:${decision.rule.line}` : ABSENT),
  "check.snapshot": (decision) => decision.snapshot,
  "check.decision_id": (decision) => decision.decisionId,
  "check.took_us": (decision) => BigInt(decision.tookUs),
  "check.detail": (decision) => decision.detail,
  "check.door": (decision) => decision.door,
  "check.status": (decision) => (decision.response ? BigInt(decision.response.status) : ABSENT),
};

function decisionSource(request: AttributeSource, slots: readonly SlotSpec[], decision: Decision): AttributeSource {
  const readerOf = (slot: number) => {
    const name = slots[slot]?.name ?? "";
    return Object.hasOwn(CHECK_ATTRIBUTES, name) ? CHECK_ATTRIBUTES[name] : undefined;
  };
  return {
    read: (slot) => readerOf(slot)?.(decision) ?? request.read(slot),
    readKey: (slot, key) => request.readKey(slot, key),
    entries: (slot) => request.entries(slot),
  };
}
