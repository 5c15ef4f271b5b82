import type { AttributeSource, SlotSpec } from "../attribute/source.ts";
import type { ConditionTests } from "../expression/condition-tests.ts";
import type { Evaluate, Render, RequestFrame } from "../expression/frame.ts";
import type { DoorName } from "../policy/authored.ts";
import type { CheckIndexes } from "./check-indexes.ts";
import type { HandlerSet } from "./handler-set.ts";
import type {
  AskPlan,
  ChangePlan,
  DoorPlan,
  LimitPlan,
  LogEntryPlan,
  MetricPlan,
  PlanFrame,
  PolicyHead,
  RespondPlan,
  RuleReference,
  TraceSpanPlan,
} from "./plan.ts";

/**
 * What request time reads: a Plan linked to closures, frozen. One snapshot serves a request from its first byte to its answer, however
 * often the policies change meanwhile.
 */
export interface Snapshot {
  readonly id: string;
  /** What of its plan request time reads: no tree of a policy is kept. */
  readonly plan: Pick<PlanFrame, "settings" | "slots">;
  /** In the order of their files. */
  readonly policies: readonly PolicyProgram[];
  /** Attributes to bind readers for, in slot order; derived slots stand among them. */
  readonly slots: readonly SlotSpec[];
  /** Slots whose values travel with a decision to the access log. */
  readonly carried: readonly SlotSpec[];
  /** Slots that a native Check must have. */
  readonly required: readonly SlotSpec[];
  /** @returns a fresh view of one request. `derive: false` reads derived attributes from the source (the access log carries them). */
  frame(source: AttributeSource, options: FrameOptions): RequestFrame;
  /** @returns the settings of a door, undefined when it is off. */
  door(name: DoorName): DoorPlan | undefined;
  readonly handlers: HandlerSet;
  /** The check and quota side of each door, ready to be decided. */
  readonly checks: Readonly<Record<DoorName, CheckProgram>>;
  /** By what they are of. */
  readonly reports: { readonly request: readonly LinkedReport[]; readonly decision: readonly LinkedReport[] };
}

export interface FrameOptions {
  readonly derive: boolean;
  /** Remember every attribute and map key read: costs a little, so only where an answer may be cached. */
  readonly record: boolean;
  /** Show what `mask:` names as masked, and what is derived from it as derived from that: for whatever leaves us. */
  readonly masked?: boolean;
}

/** What is evaluated for one Check on one door, in authored order. */
export interface CheckProgram extends CheckRules {
  /** The same, to be found by what a request is. */
  readonly indexes: CheckIndexes;
  /** Some policy on this door lets clients reuse answers. */
  readonly cached: boolean;
  /** Some rule is only tried. */
  readonly shadows: boolean;
}

export interface CheckRules {
  readonly rules: readonly LinkedRule[];
  readonly asks: readonly LinkedAsk[];
  readonly changes: readonly LinkedChange[];
  readonly limits: readonly LinkedLimit[];
}

/**
 * One policy linked. Snapshots share it as long as the policy and the numbers of its slots stay the same, so that an edit of one policy does
 * not link the others again.
 */
export interface PolicyProgram {
  /** Of the packed policy; undefined where it never was packed. */
  readonly digest: string | undefined;
  readonly policy: LinkedPolicy;
  readonly check: CheckRules;
  readonly reports: Snapshot["reports"];
}

/** The condition of the policy a rule stands in; one object per policy, so that it is evaluated once per request. */
export interface LinkedPolicy {
  readonly plan: Omit<PolicyHead, "when">;
  /** Number of the policy within the snapshot: its own, and it keeps it. It says nothing of the order in which policies speak. */
  readonly index: number;
  readonly when: Evaluate | undefined;
  /** What is known of `when` without evaluating it. */
  readonly tests: ConditionTests;
}

/** A rule with a condition of its own. */
export interface LinkedConditional {
  readonly policy: LinkedPolicy;
  readonly when: Evaluate | undefined;
  /** What is known of `when` without evaluating it. */
  readonly tests: ConditionTests;
}

export interface LinkedRule extends LinkedConditional {
  readonly effect: "allow" | "deny";
  readonly reference: RuleReference;
  readonly shadow: boolean;
  readonly respond: LinkedRespond | undefined;
}

export interface LinkedRespond {
  readonly plan: Pick<RespondPlan, "status">;
  readonly headers: readonly { readonly name: string; readonly render: Render }[];
  readonly body: Render | undefined;
  /** Nothing of it depends on the request. */
  readonly constant: boolean;
}

export interface LinkedAsk extends LinkedConditional {
  readonly plan: Omit<AskPlan, "when" | "value" | "respond">;
  readonly value: Evaluate;
  readonly respond: LinkedRespond | undefined;
}

export interface LinkedChange {
  readonly policy: LinkedPolicy;
  readonly plan: Pick<ChangePlan, "reference" | "shadow" | "keepClientValue">;
  readonly when: Evaluate | undefined;
  readonly requestRemove: readonly string[];
  readonly queryRemove: readonly string[];
  readonly responseRemove: readonly string[];
  readonly requestSet: readonly LinkedText[];
  readonly requestAdd: readonly LinkedText[];
  readonly querySet: readonly LinkedText[];
  readonly responseSet: readonly LinkedText[];
  readonly responseAdd: readonly LinkedText[];
}

export interface LinkedText {
  readonly name: string;
  readonly render: Render;
}

export interface LinkedLimit extends LinkedConditional {
  readonly plan: Omit<LimitPlan, "by" | "when" | "cost" | "respond">;
  readonly cost: Evaluate | undefined;
  readonly by: readonly { readonly name: string; readonly evaluate: Evaluate }[];
  readonly respond: LinkedRespond | undefined;
}

export type LinkedReport = LinkedMetric | LinkedLogEntry | LinkedTraceSpan;

interface LinkedReportCommon {
  readonly policy: LinkedPolicy;
  readonly when: Evaluate | undefined;
}

export interface LinkedMetric extends LinkedReportCommon {
  readonly kind: "metric";
  readonly plan: Omit<MetricPlan, "when" | "value" | "dimensions">;
  readonly value: Evaluate;
  readonly dimensions: readonly Evaluate[];
}

export interface LinkedLogEntry extends LinkedReportCommon {
  readonly kind: "logentry";
  readonly plan: Pick<LogEntryPlan, "reference" | "handlers">;
  readonly severity: Evaluate | undefined;
  readonly message: Render;
  readonly variables: readonly { readonly name: string; readonly evaluate: Evaluate }[];
}

export interface LinkedTraceSpan extends LinkedReportCommon {
  readonly kind: "tracespan";
  readonly plan: Pick<TraceSpanPlan, "reference" | "handlers">;
  readonly spanName: Render;
  readonly attributes: readonly { readonly name: string; readonly evaluate: Evaluate }[];
}
