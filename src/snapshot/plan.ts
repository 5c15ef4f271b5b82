import type { CelType } from "../attribute/type.ts";
import type { ExpressionPlan, TemplatePlan } from "../expression/tree.ts";
import type { DoorName, Grant } from "../policy/authored.ts";
import type { HandlerSpec } from "./handler-set.ts";

/**
 * Everything that request threads need, compiled from one reading of the folder. Plain data: no function, no class; it survives
 * `structuredClone`, and `link` makes a Snapshot of it in each thread.
 */
export interface Plan extends PlanFrame {
  /** In the order of their files; rules inside as written. */
  readonly policies: readonly PolicyPlan[];
}

/** What of a plan stands outside of its policies. */
export interface PlanFrame {
  /** Hash of the folder's paths and bytes, with the git commit where there is one. Named in every decision. */
  readonly id: string;
  readonly settings: SettingsPlan;
  /** The attributes that some expression reads, in slot order; between them there may be vacant ones. */
  readonly slots: readonly SlotPlan[];
  readonly handlers: readonly HandlerSpec[];
}

export interface SettingsPlan {
  readonly unmatched: "deny" | "allow";
  readonly doors: readonly DoorPlan[];
  readonly pathParams: "refuse" | "keep";
  readonly mask: readonly string[];
  /** Who may do what from other machines; undefined: whoever connects may ask and report, and nobody's word counts. */
  readonly peers?: readonly PeerPlan[];
}

export interface PeerPlan {
  /** A principal, `…/*` for all below, `*` for whoever has one, `anonymous` for whoever has none. */
  readonly peer: string;
  readonly may: readonly Grant[];
}

export type DoorPlan =
  | { readonly door: "weir"; readonly requires: readonly string[] }
  | { readonly door: "ext-authz"; readonly jwt: { readonly namespace: string; readonly key: string } }
  | { readonly door: "ext-authz-tcp" }
  | { readonly door: "access-log" };

export interface SlotPlan {
  /** Empty where the slot is vacant: nobody reads it any more, and the others kept their numbers. */
  readonly name: string;
  /** What native callers are held to, and how a carried value is read back. */
  readonly type?: CelType;
  readonly derived?: ExpressionPlan;
  /** Of a map: the keys that some expression names, so that a door need not look at the others. The whole map may be read all the same. */
  readonly keys?: readonly string[];
  /** Set on a derived attribute's own raw value, read inside its own derivation only. */
  readonly raw?: true;
  /** Report rules read it and the access log cannot supply it itself: it travels in ext_authz metadata under `attr`. */
  readonly carried: boolean;
  /** Carried, and derived from something that `mask:` names: what travels is worked out from the masked value. */
  readonly masked?: true;
}

/** Who decided: shown as `policy/rule` and `file:line`. */
export interface RuleReference {
  /** `policy/rule`. */
  readonly rule: string;
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

export interface PolicyPlan extends PolicyHead, PolicyRules {}

/** What of a policy is no rule. */
export interface PolicyHead {
  readonly name: string;
  readonly file: string;
  /** Check doors on which its check and quota rules are evaluated. */
  readonly doors: readonly DoorName[];
  readonly when?: ExpressionPlan;
  readonly cache: { readonly forMs: number; readonly uses: number };
}

export interface PolicyRules {
  readonly verdictRules: readonly VerdictRulePlan[];
  readonly asks: readonly AskPlan[];
  readonly changes: readonly ChangePlan[];
  readonly limits: readonly LimitPlan[];
  readonly reports: readonly ReportPlan[];
}

export interface VerdictRulePlan {
  readonly effect: "allow" | "deny";
  readonly reference: RuleReference;
  readonly when?: ExpressionPlan;
  readonly shadow: boolean;
  readonly respond?: RespondPlan;
}

export interface RespondPlan {
  readonly status?: number;
  readonly headers: readonly NamedTemplate[];
  readonly body?: TemplatePlan;
}

export interface NamedTemplate {
  readonly name: string;
  readonly template: TemplatePlan;
}

export interface AskPlan {
  readonly reference: RuleReference;
  readonly handler: string;
  readonly when?: ExpressionPlan;
  readonly value: ExpressionPlan;
  /** The value holds what `mask:` names: what an adapter says of it is not written down. */
  readonly masked?: true;
  readonly onUnavailable: "deny" | "allow";
  readonly shadow: boolean;
  readonly respond?: RespondPlan;
}

export interface ChangePlan {
  readonly reference: RuleReference;
  readonly when?: ExpressionPlan;
  readonly shadow: boolean;
  readonly request: HeaderChangesPlan;
  readonly query: { readonly set: readonly NamedTemplate[]; readonly remove: readonly string[] };
  readonly response: HeaderChangesPlan;
  readonly keepClientValue: boolean;
}

export interface HeaderChangesPlan {
  readonly set: readonly NamedTemplate[];
  readonly add: readonly NamedTemplate[];
  readonly remove: readonly string[];
}

export interface LimitPlan {
  readonly reference: RuleReference;
  readonly handler: string;
  readonly max: bigint;
  readonly everyMs: number;
  readonly by: readonly { readonly name: string; readonly expression: ExpressionPlan }[];
  readonly when?: ExpressionPlan;
  readonly cost?: ExpressionPlan;
  readonly onRequest: boolean;
  readonly onUnavailable: "deny" | "allow";
  readonly shadow: boolean;
  readonly respond?: RespondPlan;
}

export type ReportPlan = MetricPlan | LogEntryPlan | TraceSpanPlan;

interface ReportPlanCommon {
  readonly reference: RuleReference;
  readonly of: "request" | "decision";
  readonly handlers: readonly string[];
  readonly when?: ExpressionPlan;
}

export interface MetricPlan extends ReportPlanCommon {
  readonly kind: "metric";
  /** The name it is exposed by. */
  readonly name: string;
  readonly metricKind: "counter" | "gauge" | "histogram";
  readonly buckets: readonly number[];
  readonly unit?: string;
  readonly description?: string;
  readonly value: ExpressionPlan;
  /** A dimension reads what `mask:` names: dimensions are worked out from the masked values. */
  readonly masked?: true;
  readonly dimensions: readonly { readonly name: string; readonly expression: ExpressionPlan }[];
}

export interface LogEntryPlan extends ReportPlanCommon {
  readonly kind: "logentry";
  readonly severity?: ExpressionPlan;
  readonly message: TemplatePlan;
  readonly variables: readonly { readonly name: string; readonly expression: ExpressionPlan }[];
}

export interface TraceSpanPlan extends ReportPlanCommon {
  readonly kind: "tracespan";
  readonly spanName: TemplatePlan;
  readonly attributes: readonly { readonly name: string; readonly expression: ExpressionPlan }[];
}
