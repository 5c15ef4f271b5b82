import type { Diagnostic, Span } from "../diagnostics/diagnostic.ts";
import * as messages from "../diagnostics/messages/load.ts";
import { suggest } from "../diagnostics/suggest.ts";
import { type AuthoredPolicy, type AuthoredRoot, DOOR_NAMES } from "../policy/authored.ts";
import { type Attributes, resolveAttributes } from "./attributes.ts";
import { Compiler } from "./compiler.ts";
import { scopeOf } from "./definitions.ts";
import { doorsOf } from "./doors.ts";
import { checkHandlerNames, checkMetrics, checkUnavailable, handlerSpecs } from "./handlers.ts";
import { checkHeaderRules, checkOwnedHeaders } from "./header-rules.ts";
import { checkLoadRules } from "./load-rules.ts";
import { markMasked } from "./masking.ts";
import type { DoorPlan, PlanFrame, PolicyPlan, SettingsPlan, SlotPlan } from "./plan.ts";
import { compilePolicy } from "./policies.ts";
import { numberSlots } from "./slots.ts";
import { type PolicySummary, summaryOf } from "./summary.ts";

/** The files at the root compiled: what every policy depends on. */
export interface CompiledRoot {
  readonly root: AuthoredRoot;
  readonly attributes: Attributes;
  readonly diagnostics: readonly Diagnostic[];
}

export function compileRoot(root: AuthoredRoot): CompiledRoot {
  const compiler = new Compiler();
  const attributes = resolveAttributes(root, compiler);
  checkSettings(root, attributes, compiler);
  return { root, attributes, diagnostics: compiler.diagnostics };
}

/** One policy compiled. Nothing of it depends on other policies: those meet in the summaries. */
export interface PolicyUnit {
  /** Where an expression does not compile its rule is left out: never to be served. */
  readonly plan: PolicyPlan;
  readonly summary: PolicySummary;
  readonly diagnostics: readonly Diagnostic[];
}

/** @param text that of the policy's file. */
export function compilePolicyFile(policy: AuthoredPolicy, text: string, whole: CompiledRoot): PolicyUnit {
  const { root, attributes } = whole;
  const compiler = new Compiler();
  compiler.add(...checkHandlerNames(policy, root.handlers), ...checkUnavailable(policy, root.handlers));
  const scope = scopeOf(policy, attributes, compiler);
  const compiled = compilePolicy(policy, scope, text, compiler);
  const enabled = DOOR_NAMES.filter((door) => root.settings.doors[door] !== undefined);
  const placed = {
    ...compiled.plan,
    doors: doorsOf(policy, compiled.checkUses, enabled, attributes, compiler),
    cache: policy.cache ?? root.settings.cache,
  };
  const { when } = placed;
  compiler.add(...checkLoadRules({ policy, when, doors: placed.doors, verdicts: compiled.verdicts }, attributes));
  compiler.add(...checkHeaderRules(policy, placed.doors));
  const plan = markMasked(placed, attributes, maskOf(root));
  return { plan, summary: summaryOf(policy, plan), diagnostics: compiler.diagnostics };
}

/** What policies are together. */
export interface Assembly {
  /** To be served only where no stage found an error. */
  readonly frame: PlanFrame;
  readonly diagnostics: readonly Diagnostic[];
}

/** Puts together what was compiled policy by policy. @param before the numbering to go on with. */
export function assemble(
  id: string,
  { root, attributes }: CompiledRoot,
  policies: readonly PolicySummary[],
  before: readonly SlotPlan[],
): Assembly {
  const settings = settingsOf(root);
  const requires = settings.doors.flatMap((door) => (door.door === "weir" ? door.requires : []));
  // An answer is never reused beyond its token's expiry, whether or not a policy reads the claim.
  const expiry = policies.some((policy) => policy.cached) ? ["request.auth.claims"] : [];
  return {
    frame: {
      id,
      settings,
      slots: numberSlots(policies, [...requires, ...expiry], attributes, settings.mask, before),
      handlers: handlerSpecs(root.handlers, policies),
    },
    diagnostics: [...checkOwnedHeaders(policies), ...checkMetrics(policies)],
  };
}

function maskOf({ settings }: AuthoredRoot): readonly string[] {
  return settings.mask.map((name) => name.value);
}

/** Names of attributes in `weir.yaml`. */
function checkSettings({ settings }: AuthoredRoot, attributes: Attributes, compiler: Compiler): void {
  const names = [...attributes.types.keys()];
  const check = (name: string, span: Span): void => {
    if (!attributes.types.has(name)) compiler.add(messages.unknownAttributeName(span, name, suggest(name, names)));
  };
  for (const { value, span } of settings.doors.weir?.requires ?? []) {
    check(value, span);
    if (attributes.types.has(value) && !attributes.mayBring(value))
      compiler.add(messages.requiredTooEarly(span, value));
  }
  for (const { value, span } of settings.mask) check(maskedAttribute(value, attributes), span);
}

/** `request.headers.cookie` is a key of `request.headers`: the attribute is the longest prefix there is. */
function maskedAttribute(name: string, attributes: Attributes): string {
  for (let end = name.length; end > 0; end = name.lastIndexOf(".", end - 1)) {
    if (attributes.types.has(name.slice(0, end))) return name.slice(0, end);
  }
  return name;
}

function settingsOf({ settings }: AuthoredRoot): SettingsPlan {
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
