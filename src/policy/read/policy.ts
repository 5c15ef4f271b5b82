import type { Diagnostic, Span } from "../../diagnostics/diagnostic.ts";
import { bucketsUnused } from "../../diagnostics/messages/schema.ts";
import type {
  AuthoredDefinition,
  AuthoredHeaderChanges,
  AuthoredLimit,
  AuthoredPolicy,
  AuthoredReport,
  AuthoredRespond,
  AuthoredRule,
} from "../authored.ts";
import { FILES } from "../schema/files.ts";
import { type ReadRule, readRule } from "../schema/rule.ts";
import { validate } from "../schema/validate.ts";
import { entryOf, type YamlMap, type YamlNode } from "../yaml/node.ts";
import { cacheOf } from "./settings.ts";

/** @returns the policy of one file, with everything of it that could be read. */
export function readPolicy(
  map: YamlMap,
  file: string,
): { readonly policy: AuthoredPolicy; readonly diagnostics: readonly Diagnostic[] } {
  const own = validate(FILES.policy, map, { owner: { file, start: 0, end: 0 } });
  const { value } = own;
  const diagnostics: Diagnostic[] = [...own.diagnostics];
  const each = <R, A>(
    nodes: readonly YamlNode[] | undefined,
    read: (node: YamlNode) => ReadResult<R>,
    make: (rule: R) => A,
  ): A[] =>
    (nodes ?? []).flatMap((node) => {
      const result = read(node);
      diagnostics.push(...result.diagnostics);
      return result.rule === undefined ? [] : [make(result.rule)];
    });
  const cache = cacheOf(value.cache);
  const policy: AuthoredPolicy = {
    file,
    name: value.policy,
    ...optional("description", value.description),
    ...optional("doors", value.doors),
    ...optional("when", value.when),
    scopeAll: value.scope !== undefined,
    rawPath: value["raw-path"],
    ...optional("cache", cache),
    define: value.define ?? [],
    check: each(value.check, (node) => readRule("check", node), ruleOf),
    quota: each(value.quota, (node) => readRule("quota", node), limitOf),
    report: each(value.report, readReport, reportOf),
    ...optional("incomplete", own.complete ? undefined : map.span),
    ...unreadable(map, value.define ?? []),
  };
  return { policy, diagnostics };
}

interface ReadResult<R> {
  readonly rule: R | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

function ruleOf(read: ReadRule<"check">): AuthoredRule {
  const { rule } = read;
  const common = {
    ...described(rule),
    ...optional("when", rule.when),
    shadow: rule.shadow,
    rawPath: rule["raw-path"],
    ...optional("incomplete", read.incomplete),
  };
  switch (read.kind) {
    case "allow":
      return { kind: "allow", name: read.rule.allow, ...common };
    case "deny":
      return {
        kind: "deny",
        name: read.rule.deny,
        ...common,
        ...optional("respond", respondOf(read.rule.respond, read.at)),
      };
    case "ask":
      return askOf(read, common);
    case "change":
      return changeOf(read, common);
  }
}

type Read<K extends ReadRule<"check">["kind"]> = Extract<ReadRule<"check">, { kind: K }>;
type CommonParts = Pick<AuthoredRule, "description" | "when" | "shadow" | "rawPath" | "incomplete">;

function askOf({ rule, at }: Read<"ask">, common: CommonParts): AuthoredRule {
  const { value } = rule;
  return {
    kind: "ask",
    name: rule.ask,
    ...common,
    handler: rule.handler,
    fields: value === undefined ? [] : [{ name: { value: "value", span: value.span }, expression: value }],
    onUnavailable: rule["on-unavailable"].value,
    ...optional("respond", respondOf(rule.respond, at)),
  };
}

function changeOf({ rule }: Read<"change">, common: CommonParts): AuthoredRule {
  const { set = [], remove = [] } = rule.request?.query ?? {};
  return {
    kind: "change",
    name: rule.change,
    ...common,
    request: { ...headerChanges(rule.request), query: { set, remove } },
    response: headerChanges(rule.response),
    keepClientValue: rule["keep-client-value"],
    allowReserved: rule["allow-reserved"],
  };
}

function headerChanges(written: Partial<AuthoredHeaderChanges> | undefined): AuthoredHeaderChanges {
  return { set: written?.set ?? [], add: written?.add ?? [], remove: written?.remove ?? [] };
}

function limitOf({ rule, at, incomplete }: ReadRule<"quota">): AuthoredLimit {
  return {
    name: rule.limit,
    ...described(rule),
    handler: rule.handler,
    max: rule.max,
    everyMs: rule.every,
    algorithm: rule.algorithm?.value ?? "rolling-window",
    by: rule.by ?? [],
    ...optional("when", rule.when),
    ...optional("cost", rule.cost),
    onRequest: rule["on-request"],
    ...optional("onUnavailable", rule["on-unavailable"]),
    shadow: rule.shadow,
    ...optional("respond", respondOf(rule.respond, at)),
    ...optional("incomplete", incomplete),
  };
}

function reportOf(read: ReadRule<"report">): AuthoredReport {
  const { rule } = read;
  const common = {
    ...described(rule),
    of: rule.of?.value ?? "request",
    handlers: rule.handlers,
    ...optional("when", rule.when),
    ...optional("incomplete", read.incomplete),
  };
  switch (read.kind) {
    case "metric":
      return {
        kind: "metric",
        name: read.rule.metric,
        ...common,
        metricKind: read.rule.kind?.value ?? "counter",
        ...optional("buckets", read.rule.buckets?.bounds),
        ...optional("unit", read.rule.unit?.value),
        value: read.rule.value,
        dimensions: read.rule.dimensions ?? [],
      };
    case "logentry": {
      const { logentry, severity, message, variables = [] } = read.rule;
      return { kind: "logentry", name: logentry, ...common, ...optional("severity", severity), message, variables };
    }
    case "tracespan": {
      const { tracespan, name: spanName, attributes = [] } = read.rule;
      return { kind: "tracespan", name: tracespan, ...common, spanName, attributes };
    }
  }
}

type WrittenRespond = ReadRule<"quota">["rule"]["respond"];

function respondOf(written: WrittenRespond, at: Span): AuthoredRespond | undefined {
  if (written === undefined) return undefined;
  const { status, headers = [], body } = written;
  const places = [status?.span, ...headers.map(({ name }) => name.span), body?.span].filter(
    (span) => span !== undefined,
  );
  return {
    ...(status === undefined ? {} : { status: { value: Number(status.value), span: status.span } }),
    headers,
    ...optional("body", body),
    span: places[0] ?? at,
  };
}

function described(rule: { readonly description?: string }): { readonly description?: string } {
  return optional("description", rule.description);
}

/** A property where there is a value for it: `exactOptionalPropertyTypes` tells a missing key from an undefined one. */
function optional<K extends string, T>(key: K, value: T | undefined): { readonly [P in K]?: T } {
  // TypeScript widens a computed key to `string`.
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: T };
}

/** The definitions that are written, but not among those that could be read. */
function unreadable(map: YamlMap, read: readonly AuthoredDefinition[]): Pick<AuthoredPolicy, "unreadableDefinitions"> {
  const define = entryOf(map, "define")?.value;
  const known = new Set(read.map((definition) => definition.name.value));
  const names =
    define?.kind === "map" ? define.entries.map((entry) => entry.key.name).filter((name) => !known.has(name)) : [];
  return names.length === 0 ? {} : { unreadableDefinitions: names };
}

/** `buckets:` without `kind: histogram` are passed over, but not without a word. */
function readReport(node: YamlNode): ReadResult<ReadRule<"report">> {
  const { rule, diagnostics } = readRule("report", node);
  if (rule?.kind !== "metric" || rule.rule.buckets === undefined) return { rule, diagnostics };
  const kind = rule.rule.kind?.value ?? "counter";
  if (kind === "histogram") return { rule, diagnostics };
  return { rule, diagnostics: [...diagnostics, bucketsUnused(rule.rule.buckets.span, kind)] };
}
