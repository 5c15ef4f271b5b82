import type { MetricDescriptor, TemplateName } from "../adapter/templates.ts";
import type { Span } from "../diagnostics/diagnostic.ts";
import type { AuthoredPolicy, DoorName, Located } from "../policy/authored.ts";
import { type HeaderUses, headerUses } from "./header-rules.ts";
import type { MetricPlan, PolicyPlan } from "./plan.ts";
import { type PolicyReads, policyReads } from "./slots.ts";

/**
 * What of a policy others have to do with: names, places and numbers, no tree and no text. With these, a folder in which one policy changed
 * is put together again without compiling the others.
 */
export interface PolicySummary extends PolicyReads {
  readonly name: Located<string>;
  readonly file: string;
  readonly doors: readonly DoorName[];
  /** Clients may reuse answers. */
  readonly cached: boolean;
  readonly headers: HeaderUses;
  readonly metrics: readonly MetricSummary[];
  /** Handlers that compiled rules name, and by which template they do. */
  readonly templates: readonly { readonly handler: string; readonly template: TemplateName }[];
  /** The same as written. */
  readonly uses: readonly HandlerUse[];
}

export interface MetricSummary {
  readonly descriptor: MetricDescriptor;
  /** `policy/rule`. */
  readonly rule: string;
  /** Of the rule's name. */
  readonly span: Span;
  readonly handlers: readonly string[];
}

export function summaryOf(policy: AuthoredPolicy, plan: PolicyPlan): PolicySummary {
  return {
    ...policyReads(plan),
    name: policy.name,
    file: policy.file,
    doors: plan.doors,
    cached: plan.cache.forMs > 0,
    headers: headerUses(policy),
    metrics: metricsOf(policy, plan),
    templates: templatesOf(plan),
    uses: handlerUses(policy),
  };
}

/** A rule's mention of a handler, and what the rule wants of it. */
export interface HandlerUse {
  readonly name: Located<string>;
  readonly template: TemplateName;
}

export function handlerUses(policy: AuthoredPolicy): readonly HandlerUse[] {
  const asks = policy.check.flatMap((rule) => (rule.kind === "ask" ? [rule.handler] : []));
  return [
    ...asks.map((name) => ({ name, template: "listentry" }) as const),
    ...policy.quota.map((limit) => ({ name: limit.handler, template: "quota" }) as const),
    ...policy.report.flatMap(({ kind, handlers }) => handlers.map((name) => ({ name, template: kind }))),
  ];
}

function metricsOf(policy: AuthoredPolicy, plan: PolicyPlan): readonly MetricSummary[] {
  const spans = new Map(policy.report.map(({ name }) => [`${policy.name.value}/${name.value}`, name.span]));
  const metrics = plan.reports.filter((report) => report.kind === "metric");
  return metrics.map((metric) => {
    const { rule } = metric.reference;
    return {
      descriptor: descriptorOf(metric),
      rule,
      span: spans.get(rule) ?? policy.name.span,
      handlers: metric.handlers,
    };
  });
}

function descriptorOf(metric: MetricPlan): MetricDescriptor {
  return {
    name: metric.name,
    kind: metric.metricKind,
    description: metric.description ?? `Metric ${metric.name}, declared by ${metric.reference.rule}.`,
    ...(metric.unit === undefined ? {} : { unit: metric.unit }),
    ...(metric.metricKind === "histogram" ? { buckets: metric.buckets } : {}),
    dimensions: metric.dimensions.map((dimension) => dimension.name),
  };
}

function templatesOf({ reports, asks, limits }: PolicyPlan): PolicySummary["templates"] {
  const all = [
    ...reports.flatMap(({ kind, handlers }) => handlers.map((handler) => ({ handler, template: kind }))),
    ...asks.map(({ handler }) => ({ handler, template: "listentry" }) as const),
    ...limits.map(({ handler }) => ({ handler, template: "quota" }) as const),
  ];
  const seen = new Set<string>();
  return all.filter(({ handler, template }) => {
    const key = `${template} ${handler}`;
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}
