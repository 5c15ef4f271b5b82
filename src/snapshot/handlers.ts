import type { MetricDescriptor, TemplateName } from "../adapter/templates.ts";
import type { Diagnostic, Span } from "../diagnostics/diagnostic.ts";
import * as messages from "../diagnostics/messages/load.ts";
import { suggest } from "../diagnostics/suggest.ts";
import type { AuthoredHandler, AuthoredPolicy } from "../policy/authored.ts";
import type { HandlerIssue, HandlerSpec } from "./handler-set.ts";
import { handlerUses, type PolicySummary } from "./summary.ts";

/** @returns an error for each name of a handler that is not declared. */
export function checkHandlerNames(policy: AuthoredPolicy, handlers: readonly AuthoredHandler[]): readonly Diagnostic[] {
  const declared = handlers.map((handler) => handler.name.value);
  return handlerUses(policy).flatMap(({ name }) =>
    declared.includes(name.value)
      ? []
      : [messages.unknownHandler(name.span, name.value, suggest(name.value, declared))],
  );
}

/**
 * Nothing between us and the counters of `memory-quota` can fail; a full table is told apart, and always refuses. The others keep no
 * counters at all, which their own error says.
 */
const ALWAYS_AVAILABLE: ReadonlySet<string> = new Set(["memory-quota", "list", "log", "otlp", "prometheus"]);

/** @returns an error for each limit that leaves open what happens when its handler cannot be asked. */
export function checkUnavailable(policy: AuthoredPolicy, handlers: readonly AuthoredHandler[]): readonly Diagnostic[] {
  return policy.quota.flatMap(({ name, handler, onUnavailable }) => {
    const adapter = handlers.findLast((declared) => declared.name.value === handler.value)?.adapter.value;
    const leftOpen = onUnavailable === undefined && adapter !== undefined && !ALWAYS_AVAILABLE.has(adapter);
    return leftOpen ? [messages.unavailableUnsaid(name.span, name.value, handler.value)] : [];
  });
}

/** What the handler host needs to open each handler. */
export function handlerSpecs(
  handlers: readonly AuthoredHandler[],
  policies: readonly PolicySummary[],
): readonly HandlerSpec[] {
  // What could not be read, or has another's name, was told as such: an adapter's complaint would only follow from that.
  const judged = handlers.filter((handler, index) => {
    const first = handlers.findIndex((other) => other.name.value === handler.name.value);
    return handler.incomplete === undefined && first === index;
  });
  const wanted = wantedOf(policies);
  return judged.map((handler) => {
    const name = handler.name.value;
    const { metrics, templates } = wanted.get(name) ?? { metrics: new Map(), templates: new Set() };
    const spec = {
      name,
      adapter: handler.adapter.value,
      config: handler.config,
      queue: handler.queue,
      metrics: [...metrics.values()],
      uses: [...templates].sort(),
    };
    return { ...spec, signature: JSON.stringify(spec, plainBigInt) };
  });
}

/** What policies want of a handler. */
interface Wanted {
  /** By name. */
  readonly metrics: Map<string, MetricDescriptor>;
  readonly templates: Set<TemplateName>;
}

function wantedOf(policies: readonly PolicySummary[]): ReadonlyMap<string, Wanted> {
  const wanted = new Map<string, Wanted>();
  const of = (handler: string): Wanted => {
    const known = wanted.get(handler) ?? { metrics: new Map(), templates: new Set() };
    wanted.set(handler, known);
    return known;
  };
  for (const { metrics, templates } of policies) {
    for (const { descriptor, handlers } of metrics)
      for (const handler of handlers) of(handler).metrics.set(descriptor.name, descriptor);
    for (const { handler, template } of templates) of(handler).templates.add(template);
  }
  return wanted;
}

function plainBigInt(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}

/** @returns an error where two rules declare one metric with different shapes. */
export function checkMetrics(policies: readonly PolicySummary[]): readonly Diagnostic[] {
  const first = new Map<string, { rule: string; shape: string }>();
  return policies.flatMap(({ metrics }) =>
    metrics.flatMap(({ descriptor, rule, span }) => {
      const { name, kind, unit, buckets, dimensions } = descriptor;
      const shape = JSON.stringify([kind, unit, buckets, dimensions]);
      const before = first.get(name);
      if (before === undefined) first.set(name, { rule, shape });
      return before && before.shape !== shape ? [messages.metricConflict(span, name, before.rule)] : [];
    }),
  );
}

/** Puts what the handler host found into the folder's coordinates. */
export function handlerDiagnostics(
  handlers: readonly AuthoredHandler[],
  policies: readonly PolicySummary[],
  issues: readonly HandlerIssue[],
): readonly Diagnostic[] {
  const byName = new Map(handlers.map((handler) => [handler.name.value, handler]));
  return issues.flatMap((issue) =>
    spansOf(issue, byName.get(issue.handler), policies).map((span) => ({
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
  policies: readonly PolicySummary[],
): readonly (Span | undefined)[] {
  const wanted = issue.template;
  if (wanted !== undefined) {
    const names = policies.flatMap(({ uses }) => uses).filter(({ template }) => template === wanted);
    const spans = names.filter(({ name }) => name.value === issue.handler).map(({ name }) => name.span);
    if (spans.length > 0) return spans;
  }
  return [issue.part === "adapter" ? handler?.adapter.span : handler?.locateConfig(issue.path, issue.at)];
}
