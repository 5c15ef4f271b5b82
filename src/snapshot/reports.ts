import type { Scope } from "../expression/compile.ts";
import type { ExpressionPlan, TemplatePlan } from "../expression/tree.ts";
import type {
  AuthoredLogEntry,
  AuthoredMetric,
  AuthoredNamedExpression,
  AuthoredPolicy,
  AuthoredReport,
  AuthoredTraceSpan,
  Located,
} from "../policy/authored.ts";
import type { Compiler } from "./compiler.ts";
import type { LogEntryPlan, MetricPlan, ReportPlan, RuleReference, TraceSpanPlan } from "./plan.ts";

/** Upper bounds in the metric's own unit where a histogram names none; made for milliseconds. */
const DEFAULT_BUCKETS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000] as const;

/** Compiles the report rules of a policy; one whose expressions fail is left out, and the errors say why. */
export function compileReports(
  policy: AuthoredPolicy,
  scope: Scope,
  reference: (name: Located<string>) => RuleReference,
  compiler: Compiler,
): readonly ReportPlan[] {
  return policy.report.flatMap((report): readonly ReportPlan[] => {
    const when = compiler.optional(report.when, scope, "bool");
    const common = {
      reference: reference(report.name),
      of: report.of,
      handlers: report.handlers.map((handler) => handler.value),
      ...(when ? { when } : {}),
    };
    const plan = compileOutput(report, common, scope, compiler);
    return plan ? [plan] : [];
  });
}

type Common = Pick<ReportPlan, "reference" | "of" | "handlers" | "when">;

function compileOutput(
  report: AuthoredReport,
  common: Common,
  scope: Scope,
  compiler: Compiler,
): ReportPlan | undefined {
  switch (report.kind) {
    case "metric":
      return metric(report, common, scope, compiler);
    case "logentry":
      return logEntry(report, common, scope, compiler);
    case "tracespan":
      return traceSpan(report, common, scope, compiler);
  }
}

function metric(report: AuthoredMetric, common: Common, scope: Scope, compiler: Compiler): MetricPlan | undefined {
  const value = report.value ? compiler.expression(report.value, scope, "number") : ONE;
  const dimensions = named(report.dimensions, scope, compiler);
  if (value === undefined) return undefined;
  const buckets = report.metricKind === "histogram" ? (report.buckets ?? DEFAULT_BUCKETS) : [];
  return {
    ...common,
    kind: "metric",
    name: report.name.value,
    metricKind: report.metricKind,
    buckets,
    ...(report.unit === undefined ? {} : { unit: report.unit }),
    ...(report.description === undefined ? {} : { description: report.description }),
    value,
    dimensions,
  };
}

function logEntry(
  report: AuthoredLogEntry,
  common: Common,
  scope: Scope,
  compiler: Compiler,
): LogEntryPlan | undefined {
  const severity = compiler.optional(report.severity, scope, "string");
  const message = report.message ? compiler.template(report.message, scope) : textPlan("");
  const variables = named(report.variables, scope, compiler);
  return message && { ...common, kind: "logentry", ...(severity ? { severity } : {}), message, variables };
}

function traceSpan(
  report: AuthoredTraceSpan,
  common: Common,
  scope: Scope,
  compiler: Compiler,
): TraceSpanPlan | undefined {
  const spanName = report.spanName ? compiler.template(report.spanName, scope) : textPlan(report.name.value);
  const attributes = named(report.attributes, scope, compiler);
  return spanName && { ...common, kind: "tracespan", spanName, attributes };
}

function named(
  entries: readonly AuthoredNamedExpression[],
  scope: Scope,
  compiler: Compiler,
): { name: string; expression: ExpressionPlan }[] {
  return entries.flatMap(({ name, expression }) => {
    const plan = compiler.expression(expression, scope, "any");
    return plan ? [{ name: name.value, expression: plan }] : [];
  });
}

const ONE: ExpressionPlan = {
  text: "1",
  type: { kind: "int" },
  tree: { op: "constant", value: { type: "int", value: 1n }, at: [0, 1] },
  reads: [],
  constant: { type: "int", value: 1n },
  total: true,
};

function textPlan(text: string): TemplatePlan {
  return { text, parts: text === "" ? [] : [text], reads: [] };
}
