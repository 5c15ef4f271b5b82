import type { Diagnostic, Span } from "../diagnostics/diagnostic.ts";
import * as messages from "../diagnostics/messages/load.ts";
import { mayBeAbsent as treeMayBeAbsent } from "../expression/index.ts";
import type { AttributeRead, ExpressionPlan } from "../expression/tree.ts";
import type { AuthoredAllow, AuthoredDeny, AuthoredPolicy, DoorName } from "../policy/authored.ts";
import type { Attributes } from "./attributes.ts";
import { spanOf, type Use, uses } from "./compiler.ts";
import { isAsked } from "./doors.ts";

/** A policy with its conditions compiled: what the rules below look at. */
export interface PolicyConditions {
  readonly policy: AuthoredPolicy;
  readonly when: ExpressionPlan | undefined;
  readonly doors: readonly DoorName[];
  /** Allow and deny rules; `plan` is undefined where there is no `when` or it did not compile. */
  readonly verdicts: readonly {
    readonly rule: AuthoredAllow | AuthoredDeny;
    readonly plan: ExpressionPlan | undefined;
  }[];
}

/** The rules of semantics.md section 1 under which a policy is refused, or warned about, at load. */
export function checkLoadRules(conditions: PolicyConditions, attributes: Attributes): readonly Diagnostic[] {
  return [
    ...policyWhenIsTotal(conditions, attributes),
    ...noUnconditionalAllow(conditions),
    ...noRawPath(conditions, attributes),
    ...denyWarnings(conditions, attributes),
    ...allowWarnings(conditions, attributes),
  ];
}

/** A `policy.when` that may be absent would turn other people's requests into `undecided`. */
function policyWhenIsTotal({ policy, when, doors }: PolicyConditions, attributes: Attributes): readonly Diagnostic[] {
  if (!isAsked(policy)) return [];
  return uses([[when, policy.when]]).flatMap((use) => {
    for (const door of doors) {
      const read = use.reads.find((one) => mayBeAbsent(one, door, attributes));
      if (read) return [messages.policyWhenSometimes(spanOf(use, read.at), nameOf(read), door)];
    }
    // With every attribute there, what can still be absent is a key: a computed one, or one inside a value.
    const lacksKey = when !== undefined && treeMayBeAbsent(when.tree, () => true);
    return lacksKey ? [messages.policyWhenKey(use.source.locate(0, use.source.text.length))] : [];
  });
}

function noUnconditionalAllow({ policy, when, verdicts }: PolicyConditions): readonly Diagnostic[] {
  if (policy.scopeAll || restricts(policy.when !== undefined, when)) return [];
  return verdicts.flatMap(({ rule, plan }) =>
    rule.kind === "allow" && !rule.shadow && !restricts(rule.when !== undefined, plan)
      ? [messages.unconditionalAllow(rule.name.span, rule.name.value)]
      : [],
  );
}

/** A condition restricts unless it is not there or is constantly true; one that did not compile has its own error. */
function restricts(written: boolean, plan: ExpressionPlan | undefined): boolean {
  return written && !(plan?.constant?.type === "bool" && plan.constant.value);
}

function noRawPath({ policy, when, verdicts }: PolicyConditions, attributes: Attributes): readonly Diagnostic[] {
  if (policy.rawPath || verdicts.length === 0) return [];
  const ofPolicy = verdicts.every(({ rule }) => rule.rawPath) ? [] : uses([[when, policy.when]]);
  const ofRules = verdicts.filter(({ rule }) => !rule.rawPath).flatMap(({ rule, plan }) => uses([[plan, rule.when]]));
  return [...ofPolicy, ...ofRules].flatMap((use) => {
    const read = use.reads.find((one) => attributes.behind(one).some(isRawPath));
    return read ? [messages.rawPath(spanOf(use, read.at), nameOf(read))] : [];
  });
}

function isRawPath(read: AttributeRead): boolean {
  if (read.attribute === "request.headers") return read.key === "x-envoy-original-path";
  return read.attribute === "request.path" || read.attribute === "request.url_path";
}

function denyWarnings({ doors, verdicts }: PolicyConditions, attributes: Attributes): readonly Diagnostic[] {
  return verdicts.flatMap(({ rule, plan }) => {
    if (rule.kind !== "deny" || rule.shadow) return [];
    return uses([[plan, rule.when]]).flatMap((use) => [...absentDeny(use, doors, attributes), ...comparedHeader(use)]);
  });
}

function absentDeny(use: Use, doors: readonly DoorName[], attributes: Attributes): readonly Diagnostic[] {
  const read = use.reads.find((one) => doors.some((door) => mayBeAbsent(one, door, attributes)));
  return read ? [messages.denyMayBeAbsent(spanOf(use, read.at), nameOf(read))] : [];
}

function comparedHeader(use: Use): readonly Diagnostic[] {
  const read = use.reads.find((one) => one.compared && one.attribute === "request.headers" && one.key !== undefined);
  return read?.key === undefined ? [] : [messages.denyComparesHeader(spanOf(use, read.at), read.key)];
}

/** An allow is as strong as the strongest thing it reads, in its own condition or its policy's. */
function allowWarnings(
  { policy, when, doors, verdicts }: PolicyConditions,
  attributes: Attributes,
): readonly Diagnostic[] {
  return verdicts.flatMap(({ rule, plan }) => {
    if (
      rule.kind !== "allow" ||
      rule.shadow ||
      plan === undefined ||
      rule.when === undefined ||
      plan.reads.length === 0
    )
      return [];
    const reads = [...plan.reads, ...(when?.reads ?? [])].flatMap((read) => attributes.behind(read));
    const onlyClient = doors.some((door) => reads.every((read) => attributes.trust(read.attribute, door) === "client"));
    if (!onlyClient || policy.scopeAll) return [];
    const names = [...new Set(plan.reads.map(nameOf))];
    const span: Span = rule.when.locate(0, rule.when.text.length);
    return [messages.clientControlledAllow(span, names)];
  });
}

function mayBeAbsent(read: AttributeRead, door: DoorName, attributes: Attributes): boolean {
  if (read.mode === "guarded") return false;
  return read.key !== undefined || attributes.supply(read.attribute, door) !== "always";
}

/** As people write it. */
function nameOf(read: AttributeRead): string {
  return read.key === undefined ? read.attribute : `${read.attribute}["${read.key}"]`;
}
