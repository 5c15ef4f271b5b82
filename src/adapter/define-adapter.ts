import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { AdapterEnv } from "./env.ts";
import type { Handler } from "./handler.ts";
import type { TemplateName } from "./templates.ts";

/** The version of the contract between adapters and Weir. Goes up when an adapter written for the one before could break. */
export const API_VERSION = 1;

/**
 * What every adapter carries, with the API version it was written for as value. `Symbol.for`, so that an adapter with its own copy of the
 * SDK is known as one.
 */
export const ADAPTER: unique symbol = Symbol.for("weir-mesh/adapter");

/** A kind of work, to be named in `templates`. */
export interface Template<Name extends TemplateName = TemplateName> {
  /** Its name in types and messages. */
  readonly template: Name;
}

/** Series: `metric(points, call)`. */
export const metric: Template<"metric"> = Object.freeze({ template: "metric" });
/** Log entries: `logentry(entries, call)`. */
export const logentry: Template<"logentry"> = Object.freeze({ template: "logentry" });
/** Spans: `tracespan(spans, call)`. */
export const tracespan: Template<"tracespan"> = Object.freeze({ template: "tracespan" });
/** Questions of `ask:` rules: `listentry(entry, call)`. */
export const listentry: Template<"listentry"> = Object.freeze({ template: "listentry" });
/** Limits: `quota(request, call)`. */
export const quota: Template<"quota"> = Object.freeze({ template: "quota" });

/** What an author writes. Nothing of it runs before a handler of the adapter is declared in `handlers.yaml`. */
export interface AdapterDefinition<Name extends TemplateName, Schema extends StandardSchemaV1> {
  /** For people: what `weir adapters` and messages call it. */
  readonly name: string;
  /** What it does; the handler has one method for each. */
  readonly templates: readonly [Template<Name>, ...Template<Name>[]];
  /** Any Standard Schema (zod, valibot, arktype …). Its issues become errors with file, line and column. */
  readonly config: Schema;
  /**
   * Opens one handler. Called again, before the last one is closed, when its entry in `handlers.yaml` or the metrics sent to it change. A
   * throw or rejection keeps the new policies from going live; the old ones go on.
   */
  open(env: AdapterEnv<StandardSchemaV1.InferOutput<Schema>>): Handler<Name> | Promise<Handler<Name>>;
}

/** What `defineAdapter` made: frozen, and known by its brand to every Weir of a fitting API version. */
export interface Adapter<Name extends TemplateName = TemplateName, Schema extends StandardSchemaV1 = StandardSchemaV1> {
  /** The API version it was written for. */
  readonly [ADAPTER]: number;
  /** For people, as its definition has it. */
  readonly name: string;
  /** The names of its templates, in the order of its definition. */
  readonly templates: readonly Name[];
  /** Judges a handler's `config` before it is opened. */
  readonly config: Schema;
  /** Opens one handler. Rejects or throws when it cannot, and then has let go of everything it had begun. */
  open(env: AdapterEnv<StandardSchemaV1.InferOutput<Schema>>): Handler<Name> | Promise<Handler<Name>>;
}

/** Makes an adapter: the default export of its module. Nothing is run or opened here. */
export function defineAdapter<Name extends TemplateName, Schema extends StandardSchemaV1>(
  definition: AdapterDefinition<Name, Schema>,
): Adapter<Name, Schema> {
  return Object.freeze({
    [ADAPTER]: API_VERSION,
    name: definition.name,
    templates: Object.freeze(definition.templates.map(({ template }) => template)),
    config: definition.config,
    open: definition.open,
  });
}
