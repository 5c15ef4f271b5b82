import type { Adapter } from "../adapter/define-adapter.ts";

/**
 * @returns the JSON Schema of an adapter's config, for `weir adapters`; undefined where its schema library cannot say (Standard JSON
 * Schema is optional).
 */
export function configJsonSchema(adapter: Adapter): Readonly<Record<string, unknown>> | undefined {
  const standard: object = adapter.config["~standard"];
  if (!("jsonSchema" in standard) || !isRecord(standard.jsonSchema)) return undefined;
  const { input } = standard.jsonSchema;
  if (typeof input !== "function") return undefined;
  try {
    const schema: unknown = input({ target: "draft-2020-12" });
    return isRecord(schema) ? schema : undefined;
  } catch (error) {
    // By the standard's own word: a library throws for what JSON Schema cannot express.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** @returns the keys that a config may have at a path; none where that is not known. */
export function configKeys(adapter: Adapter, path: readonly PropertyKey[]): readonly string[] {
  let here: unknown = configJsonSchema(adapter);
  for (const step of path)
    here = isRecord(here) && isRecord(here["properties"]) ? here["properties"][String(step)] : undefined;
  return isRecord(here) && isRecord(here["properties"]) ? Object.keys(here["properties"]) : [];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
