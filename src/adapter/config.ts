import type { StandardSchemaV1 } from "@standard-schema/spec";

/** Something that an adapter's schema has against a config. */
export interface ConfigIssue {
  /** From the top of the config to what is wrong. */
  readonly path: readonly PropertyKey[];
  /** In the schema's own words. */
  readonly message: string;
  /** The issue is that the last step of `path` is a key nobody knows. */
  readonly unknownKey: boolean;
}

/** A config as the schema returned it, or everything that it has against it. */
export type ConfigResult<Config> =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly issues: readonly ConfigIssue[] };

/** Judges a config as written; one that was left out is `{}`. Rejects only when the schema itself throws. */
export async function checkConfig<Schema extends StandardSchemaV1>(
  schema: Schema,
  written: unknown,
): Promise<ConfigResult<StandardSchemaV1.InferOutput<Schema>>> {
  const result = await schema["~standard"].validate(written ?? {});
  if (result.issues) return { ok: false, issues: result.issues.flatMap(toIssues) };
  // The schema's own output; Standard Schema carries its type beside the value, not on it.
  return { ok: true, config: result.value as StandardSchemaV1.InferOutput<Schema> };
}

/** One issue; or one per key where the library gathers unknown keys in one, so that each can be pointed at. */
function toIssues(issue: StandardSchemaV1.Issue): readonly ConfigIssue[] {
  const path = (issue.path ?? []).map((step) => (typeof step === "object" ? step.key : step));
  const { message } = issue;
  const keys = unknownKeys(issue);
  if (keys.length === 0) return [{ path, message, unknownKey: false }];
  return keys.map((key) => ({ path: [...path, key], message, unknownKey: true }));
}

/** zod's way to say it, beyond the standard. */
function unknownKeys(issue: object): readonly string[] {
  if ("code" in issue && issue.code === "unrecognized_keys" && "keys" in issue && Array.isArray(issue.keys)) {
    return issue.keys.filter((key) => typeof key === "string");
  }
  return [];
}
