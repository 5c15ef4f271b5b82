import { bareExpression, bareTemplate } from "../expression/index.ts";
import type { ExpressionPlan } from "../expression/tree.ts";
import type {
  AskPlan,
  ChangePlan,
  HeaderChangesPlan,
  LimitPlan,
  NamedTemplate,
  PolicyPlan,
  ReportPlan,
  RespondPlan,
  VerdictRulePlan,
} from "./plan.ts";

/** @returns a policy with all that linking looks at, and nothing besides. */
export function barePolicy(policy: PolicyPlan): PolicyPlan {
  return {
    ...policy,
    ...conditionOf(policy),
    verdictRules: policy.verdictRules.map(bareVerdictRule),
    asks: policy.asks.map(bareAsk),
    changes: policy.changes.map(bareChange),
    limits: policy.limits.map(bareLimit),
    reports: policy.reports.map(bareReport),
  };
}

function bareVerdictRule(rule: VerdictRulePlan): VerdictRulePlan {
  return { ...rule, ...conditionOf(rule), ...respondOf(rule) };
}

function bareAsk(ask: AskPlan): AskPlan {
  return { ...ask, ...conditionOf(ask), ...respondOf(ask), value: bareExpression(ask.value) };
}

function bareChange(change: ChangePlan): ChangePlan {
  const { request, query, response } = change;
  return {
    ...change,
    ...conditionOf(change),
    request: bareHeaders(request),
    query: { ...query, set: query.set.map(bareText) },
    response: bareHeaders(response),
  };
}

function bareHeaders(headers: HeaderChangesPlan): HeaderChangesPlan {
  return { ...headers, set: headers.set.map(bareText), add: headers.add.map(bareText) };
}

function bareLimit(limit: LimitPlan): LimitPlan {
  const cost = limit.cost && { cost: bareExpression(limit.cost) };
  return { ...limit, ...conditionOf(limit), ...respondOf(limit), ...cost, by: limit.by.map(bareNamed) };
}

function bareReport(report: ReportPlan): ReportPlan {
  switch (report.kind) {
    case "metric": {
      const { value, dimensions } = report;
      const bare = { value: bareExpression(value), dimensions: dimensions.map(bareNamed) };
      return { ...report, ...conditionOf(report), ...bare };
    }
    case "logentry": {
      const severity = report.severity && { severity: bareExpression(report.severity) };
      const bare = { message: bareTemplate(report.message), variables: report.variables.map(bareNamed) };
      return { ...report, ...conditionOf(report), ...severity, ...bare };
    }
    case "tracespan": {
      const bare = { spanName: bareTemplate(report.spanName), attributes: report.attributes.map(bareNamed) };
      return { ...report, ...conditionOf(report), ...bare };
    }
  }
}

function conditionOf({ when }: { readonly when?: ExpressionPlan }) {
  return when && { when: bareExpression(when) };
}

function respondOf({ respond }: { readonly respond?: RespondPlan }) {
  if (respond === undefined) return undefined;
  const body = respond.body && { body: bareTemplate(respond.body) };
  return { respond: { ...respond, headers: respond.headers.map(bareText), ...body } };
}

function bareText({ name, template }: NamedTemplate): NamedTemplate {
  return { name, template: bareTemplate(template) };
}

function bareNamed<T extends { readonly expression: ExpressionPlan }>(named: T): T {
  return { ...named, expression: bareExpression(named.expression) };
}
