import type { Diagnostic, Span } from "../diagnostics/diagnostic.ts";
import { hasErrors } from "../diagnostics/diagnostic.ts";
import * as messages from "../diagnostics/messages/load.ts";
import { suggest } from "../diagnostics/suggest.ts";
import { type AuthoredFolder, type AuthoredPolicy, DOOR_NAMES, type DoorName } from "../policy/authored.ts";
import { type Attributes, resolveAttributes } from "./attributes.ts";
import { Compiler } from "./compiler.ts";
import { scopeOf } from "./definitions.ts";
import { doorsOf } from "./doors.ts";
import type { HandlerSpec } from "./handler-set.ts";
import { checkHandlerNames, checkMetrics, checkUnavailable, handlerSpecs } from "./handlers.ts";
import { checkHeaderRules } from "./header-rules.ts";
import { checkLoadRules } from "./load-rules.ts";
import { markMasked } from "./masking.ts";
import type { DoorPlan, Plan, PolicyPlan, SettingsPlan } from "./plan.ts";
import { type CompiledPolicy, compilePolicy } from "./policies.ts";
import { numberSlots } from "./slots.ts";

export interface Compilation {
  /** Undefined when there is an error: a snapshot is whole or not at all. */
  readonly plan: Plan | undefined;
  /** The handlers as far as they could be told, for their adapters to judge: their errors come with all the others. */
  readonly handlers: readonly HandlerSpec[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Compiles a folder as people wrote it into a Plan. Pure: the same folder gives the same plan. All errors at once. */
export function compile(folder: AuthoredFolder, id: string): Compilation {
  const compiler = new Compiler();
  const attributes = resolveAttributes(folder, compiler);
  checkSettings(folder, attributes, compiler);
  compiler.add(...checkHandlerNames(folder), ...checkUnavailable(folder));
  const enabled = DOOR_NAMES.filter((door) => folder.settings.doors[door] !== undefined);
  const compiled = folder.policies.map((policy) => {
    const scope = scopeOf(policy, attributes, compiler);
    return {
      policy,
      ...placed(policy, compilePolicy(policy, scope, folder.sources, compiler), enabled, attributes, compiler),
    };
  });
  compiler.add(...checkHeaderRules(compiled.map(({ policy, plan }) => ({ policy, doors: plan.doors }))));
  const mask = folder.settings.mask.map((name) => name.value);
  const cached = compiled.map(({ plan }) => ({ ...plan, cache: cacheOf(folder, plan) }));
  const policies = markMasked(cached, attributes, mask);
  compiler.add(...checkMetrics(folder, policies));
  const { diagnostics } = compiler;
  const handlers = handlerSpecs(folder, policies);
  return {
    plan: hasErrors(diagnostics) ? undefined : planOf(folder, id, policies, handlers, attributes),
    handlers,
    diagnostics,
  };
}

/** Finds the doors of a policy and judges it by the load rules. */
function placed(
  policy: AuthoredPolicy,
  compiled: CompiledPolicy,
  enabled: readonly DoorName[],
  attributes: Attributes,
  compiler: Compiler,
): { plan: PolicyPlan } {
  const doors = doorsOf(policy, compiled.checkUses, enabled, attributes, compiler);
  const conditions = { policy, when: compiled.plan.when, doors, verdicts: compiled.verdicts };
  compiler.add(...checkLoadRules(conditions, attributes));
  return { plan: { ...compiled.plan, doors } };
}

/** A policy's own `cache:`, or that of `weir.yaml`. */
function cacheOf(folder: AuthoredFolder, plan: PolicyPlan): PolicyPlan["cache"] {
  const own = folder.policies.find((policy) => policy.name.value === plan.name)?.cache;
  return own ?? folder.settings.cache;
}

/** Names of attributes in `weir.yaml`. */
function checkSettings(folder: AuthoredFolder, attributes: Attributes, compiler: Compiler): void {
  const names = [...attributes.types.keys()];
  const check = (name: string, span: Span): void => {
    if (!attributes.types.has(name)) compiler.add(messages.unknownAttributeName(span, name, suggest(name, names)));
  };
  for (const { value, span } of folder.settings.doors.weir?.requires ?? []) {
    check(value, span);
    if (attributes.types.has(value) && !attributes.mayBring(value))
      compiler.add(messages.requiredTooEarly(span, value));
  }
  for (const { value, span } of folder.settings.mask) check(maskedAttribute(value, attributes), span);
}

/** `request.headers.cookie` is a key of `request.headers`: the attribute is the longest prefix there is. */
function maskedAttribute(name: string, attributes: Attributes): string {
  for (let end = name.length; end > 0; end = name.lastIndexOf(".", end - 1)) {
    if (attributes.types.has(name.slice(0, end))) return name.slice(0, end);
  }
  return name;
}

function planOf(
  folder: AuthoredFolder,
  id: string,
  policies: readonly PolicyPlan[],
  handlers: readonly HandlerSpec[],
  attributes: Attributes,
): Plan {
  const settings = settingsOf(folder);
  const requires = settings.doors.flatMap((door) => (door.door === "weir" ? door.requires : []));
  // An answer is never reused beyond its token's expiry, whether or not a policy reads the claim.
  const expiry = policies.some((policy) => policy.cache.forMs > 0) ? ["request.auth.claims"] : [];
  return {
    id,
    settings,
    slots: numberSlots(policies, [...requires, ...expiry], attributes, settings.mask),
    handlers,
    policies,
  };
}

function settingsOf({ settings }: AuthoredFolder): SettingsPlan {
  const { weir, "ext-authz": http, "ext-authz-tcp": tcp, "access-log": log } = settings.doors;
  const doors: DoorPlan[] = [
    ...(weir ? [{ door: "weir", requires: weir.requires.map((name) => name.value) } as const] : []),
    ...(http ? [{ door: "ext-authz", jwt: jwtPlace(http.jwt.value) } as const] : []),
    ...(tcp ? [{ door: "ext-authz-tcp" } as const] : []),
    ...(log ? [{ door: "access-log" } as const] : []),
  ];
  return {
    unmatched: settings.unmatched,
    doors,
    pathParams: settings.pathParams,
    mask: settings.mask.map((name) => name.value),
    ...(settings.peers && { peers: settings.peers.map(({ name, may }) => ({ peer: name.value, may })) }),
  };
}

/** `namespace/key`; the schema has seen that there is a slash. */
function jwtPlace(text: string): { namespace: string; key: string } {
  const slash = text.lastIndexOf("/");
  return { namespace: text.slice(0, slash), key: text.slice(slash + 1) };
}
