import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Adapter } from "../define-adapter.ts";
import type { TemplateName } from "../templates.ts";

/** One thing that every adapter promises, for any test runner. */
export interface ConformanceCase {
  /** The promise, as a sentence. */
  readonly name: string;
  /** Rejects, with words, when the promise is broken. */
  run(): Promise<void>;
}

/** An adapter, and the configs that show it at its best and worst. */
export interface ConformanceOptions<
  Name extends TemplateName = TemplateName,
  Schema extends StandardSchemaV1 = StandardSchemaV1,
> {
  /** The default export of its module. */
  readonly adapter: Adapter<Name, Schema>;
  /** A config that works, as written in `handlers.yaml`. Asked for by every case, so it may name a fresh file or a server of its own. */
  readonly config: () => unknown;
  /** Configs that are refused, and where. */
  readonly refused?: readonly { readonly config: unknown; readonly path: readonly PropertyKey[] }[];
  /** A config with which every delivery fails: a server that is not there. */
  readonly failing?: () => unknown;
  /** A config with which nothing is ever answered: a server that takes connections and says nothing. */
  readonly silent?: () => unknown;
}
