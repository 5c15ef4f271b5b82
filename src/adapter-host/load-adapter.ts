import { ADAPTER, type Adapter, API_VERSION } from "../adapter/define-adapter.ts";
import type { TemplateName } from "../adapter/templates.ts";
import * as messages from "../diagnostics/messages/handler.ts";
import type { HandlerSpec } from "../snapshot/handler-set.ts";
import type { HostClock } from "./clock.ts";
import type { HostLimits } from "./limits.ts";
import type { ModuleSource } from "./module-source.ts";
import { begin, reasonOf, settle } from "./settle.ts";

/** This version and the one before. */
const ACCEPTED_API_VERSIONS: readonly number[] = [API_VERSION - 1, API_VERSION].filter((version) => version > 0);

export type LoadedAdapter =
  | { readonly ok: true; readonly adapter: Adapter }
  | { readonly ok: false; readonly refusals: readonly Refusal[] };

/** Why an adapter cannot be used; `template` is what it lacks, where that is why. */
export type Refusal = messages.HandlerWords & { readonly template?: TemplateName };

export interface LoadOptions {
  readonly source: ModuleSource;
  readonly clock: HostClock;
  readonly limits: HostLimits;
}

/** Loads the module of a handler and makes sure that it is an adapter which this Weir can run and which does what the policies want. */
export async function loadAdapter(spec: HandlerSpec, { source, clock, limits }: LoadOptions): Promise<LoadedAdapter> {
  const settled = await settle(
    begin(() => source(spec.adapter)),
    limits.loadMs,
    clock,
  );
  switch (settled.kind) {
    case "late":
      return refuse(messages.moduleFailed(spec.adapter, `it was not there within ${limits.loadMs} ms`));
    case "rejected":
      return refuse(messages.moduleFailed(spec.adapter, reasonOf(settled.error)));
    case "fulfilled":
      return settled.value.ok ? judge(spec, settled.value.module) : refuse(settled.value.words);
  }
}

function judge(spec: HandlerSpec, module: unknown): LoadedAdapter {
  const exported = defaultExport(module);
  if (!isObject(exported) || !(ADAPTER in exported)) return refuse(messages.notAnAdapter(spec.adapter));
  const version = exported[ADAPTER];
  if (typeof version !== "number" || !ACCEPTED_API_VERSIONS.includes(version)) {
    return refuse(messages.wrongApiVersion(spec.adapter, version, ACCEPTED_API_VERSIONS));
  }
  if (!hasShape(exported)) return refuse(messages.notAnAdapter(spec.adapter));
  const missing = spec.uses.filter((template) => !exported.templates.includes(template));
  if (missing.length === 0) return { ok: true, adapter: exported };
  const lacks = (template: TemplateName): Refusal => ({
    template,
    ...messages.templateMissing(spec.adapter, template, exported.templates),
  });
  return { ok: false, refusals: missing.map(lacks) };
}

function refuse(words: messages.HandlerWords): LoadedAdapter {
  return { ok: false, refusals: [words] };
}

/** A CommonJS module with `exports.default` arrives wrapped once more. */
function defaultExport(module: unknown): unknown {
  if (!isObject(module) || !("default" in module)) return undefined;
  const exported = module.default;
  return isObject(exported) && !(ADAPTER in exported) && "default" in exported ? exported.default : exported;
}

const TEMPLATES: readonly TemplateName[] = ["metric", "logentry", "tracespan", "listentry", "quota"];

/** The brand says who made it; this says that it was made with `defineAdapter` and not by hand. */
function hasShape(value: object): value is Adapter {
  return (
    "name" in value &&
    typeof value.name === "string" &&
    "open" in value &&
    typeof value.open === "function" &&
    "templates" in value &&
    Array.isArray(value.templates) &&
    value.templates.every((name) => TEMPLATES.includes(name)) &&
    "config" in value &&
    (isObject(value.config) || typeof value.config === "function") &&
    "~standard" in value.config
  );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
