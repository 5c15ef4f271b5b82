import type { MetricDescriptor, TemplateName } from "../adapter/templates.ts";
import type { Diagnostic, Span } from "../diagnostics/diagnostic.ts";
import * as messages from "../diagnostics/messages/load.ts";
import { suggest } from "../diagnostics/suggest.ts";
import type { AuthoredFolder, AuthoredHandler, AuthoredPolicy, Located } from "../policy/authored.ts";
import type { HandlerIssue, HandlerSpec } from "./handler-set.ts";
import type { MetricPlan, PolicyPlan } from "./plan.ts";

/** @returns an error for each name of a handler that is not declared. */
export function checkHandlerNames(folder: AuthoredFolder): readonly Diagnostic[] {
  const declared = folder.handlers.map((handler) => handler.name.value);
  const known = new Set(declared);
  return folder.policies
    .flatMap(handlerUses)
    .flatMap(({ name }) =>
      known.has(name.value) ? [] : [messages.unknownHandler(name.span, name.value, suggest(name.value, declared))],
    );
}

/** A rule's mention of a handler, and what the rule wants of it. */
interface HandlerUse {
  readonly name: Located<string>;
  readonly template: TemplateName;
}

function handlerUses(policy: AuthoredPolicy): readonly HandlerUse[] {
  const asks = policy.check.flatMap((rule) => (rule.kind === "ask" ? [rule.handler] : []));
  return [
    ...asks.map((name) => ({ name, template: "listentry" }) as const),
    ...policy.quota.map((limit) => ({ name: limit.handler, template: "quota" }) as const),
    ...policy.report.flatMap(({ kind, handlers }) => handlers.map((name) => ({ name, template: kind }))),
  ];
}

/**
 * Nothing between us and the counters of `memory-quota` can fail; a full table is told apart, and always refuses. The others keep no
 * counters at all, which their own error says.
 */
const ALWAYS_AVAILABLE: ReadonlySet<string> = new Set(["memory-quota", "list", "log", "otlp", "prometheus"]);

/** @returns an error for each limit that leaves open what happens when its handler cannot be asked. */
export function checkUnavailable(folder: AuthoredFolder): readonly Diagnostic[] {
  const adapters = new Map(folder.handlers.map((handler) => [handler.name.value, handler.adapter.value]));
  const limits = folder.policies.flatMap((policy) => policy.quota);
  return limits.flatMap(({ name, handler, onUnavailable }) => {
    const adapter = adapters.get(handler.value);
    const leftOpen = onUnavailable === undefined && adapter !== undefined && !ALWAYS_AVAILABLE.has(adapter);
    return leftOpen ? [messages.unavailableUnsaid(name.span, name.value, handler.value)] : [];
  });
}

/** What the handler host needs to open each handler. */
export function handlerSpecs(folder: AuthoredFolder, policies: readonly PolicyPlan[]): readonly HandlerSpec[] {
  // What could not be read, or has another's name, was told as such: an adapter's complaint would only follow from that.
  const judged = folder.handlers.filter((handler, index) => {
    const first = folder.handlers.findIndex((other) => other.name.value === handler.name.value);
    return handler.incomplete === undefined && first === index;
  });
  return judged.map((handler) => {
    const name = handler.name.value;
    const spec = {
      name,
      adapter: handler.adapter.value,
      config: handler.config,
      queue: handler.queue,
      metrics: descriptors(policies, name),
      uses: templatesUsed(policies, name),
    };
    return { ...spec, signature: JSON.stringify(spec, plainBigInt) };
  });
}

function plainBigInt(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}

function descriptors(policies: readonly PolicyPlan[], handler: string): readonly MetricDescriptor[] {
  const byName = new Map<string, MetricDescriptor>();
  for (const metric of policies.flatMap(metricsOf)) {
    if (metric.handlers.includes(handler)) byName.set(metric.name, descriptorOf(metric));
  }
  return [...byName.values()];
}

function metricsOf(policy: PolicyPlan): readonly MetricPlan[] {
  return policy.reports.filter((report) => report.kind === "metric");
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

function templatesUsed(policies: readonly PolicyPlan[], handler: string): readonly TemplateName[] {
  const used = new Set<TemplateName>();
  for (const policy of policies) {
    for (const report of policy.reports) if (report.handlers.includes(handler)) used.add(report.kind);
    if (policy.asks.some((ask) => ask.handler === handler)) used.add("listentry");
    if (policy.limits.some((limit) => limit.handler === handler)) used.add("quota");
  }
  return [...used].sort();
}

/** @returns an error where two rules declare one metric with different shapes. */
export function checkMetrics(folder: AuthoredFolder, policies: readonly PolicyPlan[]): readonly Diagnostic[] {
  const spans = metricSpans(folder);
  const first = new Map<string, { rule: string; shape: string }>();
  return policies.flatMap(metricsOf).flatMap((metric) => {
    const { kind, unit, buckets, dimensions } = descriptorOf(metric);
    const shape = JSON.stringify([kind, unit, buckets, dimensions]);
    const before = first.get(metric.name);
    if (before === undefined) first.set(metric.name, { rule: metric.reference.rule, shape });
    const span = spans.get(metric.reference.rule);
    return before && before.shape !== shape && span ? [messages.metricConflict(span, metric.name, before.rule)] : [];
  });
}

function metricSpans(folder: AuthoredFolder): ReadonlyMap<string, Span> {
  return new Map(
    folder.policies.flatMap((policy) =>
      policy.report.map(({ name }) => [`${policy.name.value}/${name.value}`, name.span] as const),
    ),
  );
}

/** Puts what the handler host found into the folder's coordinates. */
export function handlerDiagnostics(folder: AuthoredFolder, issues: readonly HandlerIssue[]): readonly Diagnostic[] {
  const byName = new Map(folder.handlers.map((handler) => [handler.name.value, handler]));
  return issues.flatMap((issue) =>
    spansOf(issue, byName.get(issue.handler), folder).map((span) => ({
      severity: "error",
      code: issue.code,
      message: issue.message,
      ...(span ? { span } : {}),
      ...(issue.help === undefined ? {} : { help: issue.help }),
    })),
  );
}

/** What an adapter cannot do is wrong in each rule that wants it, everything else where the handler is declared. */
function spansOf(
  issue: HandlerIssue,
  handler: AuthoredHandler | undefined,
  { policies }: AuthoredFolder,
): readonly (Span | undefined)[] {
  const wanted = issue.template;
  if (wanted !== undefined) {
    const names = policies.flatMap(handlerUses).filter(({ template }) => template === wanted);
    const spans = names.filter(({ name }) => name.value === issue.handler).map(({ name }) => name.span);
    if (spans.length > 0) return spans;
  }
  return [issue.part === "adapter" ? handler?.adapter.span : handler?.locateConfig(issue.path, issue.at)];
}
