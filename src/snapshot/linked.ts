import type { ConditionTests } from "../expression/condition-tests.ts";
import type { Evaluate, Render } from "../expression/frame.ts";
import type {
  AskPlan,
  ChangePlan,
  LimitPlan,
  LogEntryPlan,
  MetricPlan,
  PolicyHead,
  RespondPlan,
  RuleReference,
  TraceSpanPlan,
} from "./plan.ts";

/** The rules of one policy, or of all policies of a door, in authored order. */
export interface CheckRules {
  readonly rules: readonly LinkedRule[];
  readonly asks: readonly LinkedAsk[];
  readonly changes: readonly LinkedChange[];
  readonly limits: readonly LinkedLimit[];
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
