import * as z from "zod";
import { FILES } from "./files.ts";
import { KINDS, type Section } from "./kinds.ts";
import type { JsonSchema } from "./place.ts";

/** The schemas that editors read, by file name under `docs/schema/`. */
export type SchemaFiles = Readonly<Record<string, JsonSchema>>;

const FILE_NAMES = {
  settings: "weir.schema.json",
  handlers: "handlers.schema.json",
  attributes: "attributes.schema.json",
  policy: "policy.schema.json",
} as const satisfies Readonly<Record<keyof typeof FILES, string>>;

/**
 * @returns a JSON Schema (draft 2020-12) for each kind of file, derived from the schemas that the loader itself runs. They know shapes
 * and spellings; expressions, names of other files and the load rules only the loader knows.
 */
export function jsonSchemas(): SchemaFiles {
  // `Object.entries` widens keys to string; these are FILES' own, by FILE_NAMES' type.
  const files = Object.entries(FILE_NAMES).map(([file, name]) => [name, fileSchema(FILES[file as keyof typeof FILES])]);
  return Object.fromEntries(files);
}

function fileSchema(schema: z.ZodType): JsonSchema {
  return convert(schema);
}

function convert(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    target: "draft-2020-12",
    io: "input",
    // Our places are functions to zod; what they accept stands in their metadata.
    unrepresentable: "any",
    override: ({ jsonSchema }) => {
      const section = jsonSchema["x-weir-kinds"];
      if (typeof section !== "string") return;
      delete jsonSchema["x-weir-kinds"];
      // Nobody but `collections.ts` writes this key, and it writes the names of sections.
      jsonSchema.items = { oneOf: kindSchemas(section as Section) };
    },
  });
}

/** Each kind is told from the others by the key that it alone requires. */
function kindSchemas(section: Section): z.core.JSONSchema.JSONSchema[] {
  return Object.values<z.ZodType>(KINDS[section]).map((schema) => {
    const { $schema: _, ...kind } = convert(schema);
    return kind;
  });
}
