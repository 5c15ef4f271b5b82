import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import * as messages from "../diagnostics/messages/load.ts";
import { LineTable } from "../diagnostics/position.ts";
import type { Scope } from "../expression/compile.ts";
import type { ExpressionPlan, TemplatePlan } from "../expression/tree.ts";
import type {
  AuthoredAsk,
  AuthoredChange,
  AuthoredHeaderChanges,
  AuthoredLimit,
  AuthoredNamedExpression,
  AuthoredNamedText,
  AuthoredPolicy,
  AuthoredRespond,
  AuthoredRule,
  Located,
  SourceText,
} from "../policy/authored.ts";
import { type Compiler, type Use, uses } from "./compiler.ts";
import type {
  AskPlan,
  ChangePlan,
  HeaderChangesPlan,
  LimitPlan,
  NamedTemplate,
  PolicyPlan,
  RespondPlan,
  RuleReference,
  VerdictRulePlan,
} from "./plan.ts";
import { compileReports } from "./reports.ts";

/** A policy compiled, with what the load rules look at. */
export interface CompiledPolicy {
  readonly plan: Omit<PolicyPlan, "doors" | "cache">;
  /** Everything its check and quota rules read, the policy's `when` included. */
  readonly checkUses: readonly Use[];
  readonly verdicts: readonly {
    readonly rule: Extract<AuthoredRule, { kind: "allow" | "deny" }>;
    readonly plan: ExpressionPlan | undefined;
  }[];
}

/** Compiles every expression of one policy; `text` is that of its file. Where one fails its rule is left out of the plan; the errors say why. */
export function compilePolicy(policy: AuthoredPolicy, scope: Scope, text: string, compiler: Compiler): CompiledPolicy {
  return new PolicyCompiler(policy, scope, text, compiler).compile();
}

class PolicyCompiler {
  readonly #policy: AuthoredPolicy;
  readonly #scope: Scope;
  readonly #lines: LineTable;
  readonly #compiler: Compiler;
  readonly #checkUses: Use[] = [];

  constructor(policy: AuthoredPolicy, scope: Scope, text: string, compiler: Compiler) {
    this.#policy = policy;
    this.#scope = scope;
    this.#lines = new LineTable(text);
    this.#compiler = compiler;
  }

  compile(): CompiledPolicy {
    const policy = this.#policy;
    const when = this.#condition(policy.when);
    const verdicts = policy.check.flatMap((rule) =>
      rule.kind === "allow" || rule.kind === "deny" ? [this.#verdict(rule)] : [],
    );
    const asks = policy.check.flatMap((rule) => (rule.kind === "ask" ? this.#ask(rule) : []));
    const changes = policy.check.flatMap((rule) => (rule.kind === "change" ? [this.#change(rule)] : []));
    const limits = policy.quota.map((limit) => this.#limit(limit));
    const reports = compileReports(policy, this.#scope, (name) => this.#reference(name), this.#compiler);
    const plan = {
      name: policy.name.value,
      file: policy.file,
      ...(when ? { when } : {}),
      verdictRules: verdicts.map(({ plan }) => plan),
      asks,
      changes,
      limits,
      reports,
    };
    return {
      plan,
      checkUses: this.#checkUses,
      verdicts: verdicts.map(({ rule, plan }) => ({ rule, plan: plan.when })),
    };
  }

  #verdict(rule: Extract<AuthoredRule, { kind: "allow" | "deny" }>): { rule: typeof rule; plan: VerdictRulePlan } {
    const when = this.#condition(rule.when);
    const respond = rule.kind === "deny" ? this.#respond(rule.respond) : undefined;
    const reference = this.#reference(rule.name);
    const plan = {
      effect: rule.kind,
      reference,
      shadow: rule.shadow,
      ...(when ? { when } : {}),
      ...(respond ? { respond } : {}),
    };
    return { rule, plan };
  }

  #ask(rule: AuthoredAsk): AskPlan[] {
    const when = this.#condition(rule.when);
    const respond = this.#respond(rule.respond);
    // The schema has seen that there is one; without it the rule has its error already.
    const field = rule.fields.find(({ name }) => name.value === "value");
    const value = field && this.#expression(field.expression, "any");
    if (value === undefined) return [];
    const { onUnavailable, shadow } = rule;
    const reference = this.#reference(rule.name);
    const optional = { ...(when ? { when } : {}), ...(respond ? { respond } : {}) };
    return [{ reference, handler: rule.handler.value, value, onUnavailable, shadow, ...optional }];
  }

  #change(rule: AuthoredChange): ChangePlan {
    const when = this.#condition(rule.when);
    return {
      reference: this.#reference(rule.name),
      ...(when ? { when } : {}),
      shadow: rule.shadow,
      request: this.#headerChanges(rule.request),
      query: {
        set: this.#texts(rule.request.query.set, (name) => name),
        remove: rule.request.query.remove.map(plainValue),
      },
      response: this.#headerChanges(rule.response),
      keepClientValue: rule.keepClientValue,
    };
  }

  #headerChanges(changes: AuthoredHeaderChanges): HeaderChangesPlan {
    return {
      set: this.#texts(changes.set, lowerCase),
      add: this.#texts(changes.add, lowerCase),
      remove: changes.remove.map((name) => lowerCase(name.value)),
    };
  }

  #limit(limit: AuthoredLimit): LimitPlan {
    const when = this.#condition(limit.when);
    const cost = limit.cost && this.#expression(limit.cost, "int");
    if (limit.cost && cost?.constant?.type === "int" && !limit.onRequest) {
      this.#compiler.add(...impossibleCost(limit.cost, cost.constant.value, limit.max.value));
    }
    const respond = this.#respond(limit.respond);
    return {
      reference: this.#reference(limit.name),
      handler: limit.handler.value,
      max: limit.max.value,
      everyMs: limit.everyMs,
      by: limit.by.flatMap((by) => this.#named(by)),
      ...(when ? { when } : {}),
      ...(cost ? { cost } : {}),
      onRequest: limit.onRequest,
      onUnavailable: limit.onUnavailable?.value ?? "deny",
      shadow: limit.shadow,
      ...(respond ? { respond } : {}),
    };
  }

  #named({ name, expression }: AuthoredNamedExpression): { name: string; expression: ExpressionPlan }[] {
    const plan = this.#expression(expression, "any");
    return plan ? [{ name: name.value, expression: plan }] : [];
  }

  #respond(respond: AuthoredRespond | undefined): RespondPlan | undefined {
    if (respond === undefined) return undefined;
    const body = respond.body && this.#template(respond.body);
    return {
      ...(respond.status === undefined ? {} : { status: respond.status.value }),
      headers: this.#texts(respond.headers, lowerCase),
      ...(body ? { body } : {}),
    };
  }

  #texts(texts: readonly AuthoredNamedText[], spell: (name: string) => string): NamedTemplate[] {
    return texts.flatMap(({ name, text }) => {
      const template = this.#template(text);
      return template ? [{ name: spell(name.value), template }] : [];
    });
  }

  #condition(source: SourceText | undefined): ExpressionPlan | undefined {
    return source && this.#expression(source, "bool");
  }

  #expression(source: SourceText, expected: "bool" | "int" | "any"): ExpressionPlan | undefined {
    const plan = this.#compiler.expression(source, this.#scope, expected);
    this.#checkUses.push(...uses([[plan, source]]));
    return plan;
  }

  #template(source: SourceText): TemplatePlan | undefined {
    const plan = this.#compiler.template(source, this.#scope);
    this.#checkUses.push(...uses([[plan, source]]));
    return plan;
  }

  #reference(name: Located<string>): RuleReference {
    const { file, start } = name.span;
    const { line } = this.#lines.position(start);
    return { rule: `${this.#policy.name.value}/${name.value}`, file, line };
  }
}

/** What every request costs more than there is, or less than nothing, refuses every request. */
function impossibleCost(cost: SourceText, each: bigint, max: bigint): readonly Diagnostic[] {
  const span = cost.locate(0, cost.text.length);
  return each < 0n || each > max ? [messages.impossibleCost(span, each, max)] : [];
}

function plainValue<T>(located: Located<T>): T {
  return located.value;
}

function lowerCase(name: string): string {
  return name.toLowerCase();
}
