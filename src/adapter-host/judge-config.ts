import { type ConfigIssue, checkConfig } from "../adapter/config.ts";
import type { Adapter } from "../adapter/define-adapter.ts";
import * as messages from "../diagnostics/messages/handler.ts";
import { suggest } from "../diagnostics/suggest.ts";
import type { HandlerIssue, HandlerSpec } from "../snapshot/handler-set.ts";
import type { HostClock } from "./clock.ts";
import { configKeys } from "./config-schema.ts";
import type { HostLimits } from "./limits.ts";
import { begin, reasonOf, settle } from "./settle.ts";

export type JudgedConfig =
  | { readonly ok: true; readonly config: unknown }
  | { readonly ok: false; readonly issues: readonly HandlerIssue[] };

/** Has the adapter's schema judge a handler's config, and puts what it has to say into our words. */
export async function judgeConfig(
  spec: HandlerSpec,
  adapter: Adapter,
  { clock, limits }: { readonly clock: HostClock; readonly limits: HostLimits },
): Promise<JudgedConfig> {
  const settled = await settle(
    begin(() => checkConfig(adapter.config, spec.config)),
    limits.configMs,
    clock,
  );
  switch (settled.kind) {
    case "late":
      return notJudged(spec, `it took longer than ${limits.configMs} ms`);
    case "rejected":
      return notJudged(spec, reasonOf(settled.error));
    case "fulfilled": {
      const result = settled.value;
      if (result.ok) return { ok: true, config: result.config };
      return { ok: false, issues: causes(result.issues).map((issue) => handlerIssue(spec, adapter, issue)) };
    }
  }
}

/** A mistyped key makes the map that holds it wrong as a whole, too: that is the same mistake, and it is said once. */
function causes(issues: readonly ConfigIssue[]): readonly ConfigIssue[] {
  const maps = new Set(
    issues.filter(({ unknownKey }) => unknownKey).map(({ path }) => JSON.stringify(path.slice(0, -1).map(String))),
  );
  return issues.filter(({ unknownKey, path }) => unknownKey || !maps.has(JSON.stringify(path.map(String))));
}

function notJudged(spec: HandlerSpec, why: string): JudgedConfig {
  const words = messages.configNotJudged(spec.adapter, why);
  return { ok: false, issues: [{ handler: spec.name, part: "config", path: [], ...words }] };
}

function handlerIssue(spec: HandlerSpec, adapter: Adapter, issue: ConfigIssue): HandlerIssue {
  const { path } = issue;
  const at = { handler: spec.name, part: "config", path } as const;
  const parent = path.slice(0, -1);
  const last = path.at(-1);
  if (issue.unknownKey && last !== undefined) {
    const suggestion = suggest(String(last), configKeys(adapter, parent));
    return { ...at, at: "key", ...messages.configUnknownKey(spec.adapter, String(last), suggestion) };
  }
  if (last !== undefined && isMissing(spec.config, path)) {
    return { ...at, ...messages.configMissingKey(spec.adapter, written(path)) };
  }
  return { ...at, ...messages.configRefused(spec.adapter, written(path), inOurVoice(issue.message)) };
}

/** Whether the map is there and the key is not: a schema calls that a wrong value, a person a missing one. */
function isMissing(config: unknown, path: readonly PropertyKey[]): boolean {
  let here: unknown = config ?? {};
  for (const [index, step] of path.entries()) {
    if (typeof here !== "object" || here === null || Array.isArray(here)) return false;
    if (!Object.hasOwn(here, step)) return index === path.length - 1;
    // An own key of a plain object, as YAML gave it.
    here = (here as Record<PropertyKey, unknown>)[step];
  }
  return false;
}

/** `headers.x-key`, `values[3]`. */
function written(path: readonly PropertyKey[]): string {
  return path
    .map((step, index) => (typeof step === "number" ? `[${step}]` : `${index === 0 ? "" : "."}${String(step)}`))
    .join("");
}

/** Schemas write sentences; our messages are lowercase and end without a period. */
function inOurVoice(message: string): string {
  const line = reasonOf(message)
    .replace(/^Invalid input: /, "")
    .replace(/\.$/, "");
  return /^[A-Z][a-z]/.test(line) ? line.charAt(0).toLowerCase() + line.slice(1) : line;
}
