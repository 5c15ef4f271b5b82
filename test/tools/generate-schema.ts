import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { jsonSchemas } from "../../src/policy/schema/json-schema.ts";

/** Writes `docs/schema/*.schema.json`, what editors read: `node --conditions=weir-source test/tools/generate-schema.ts`. */
const directory = join(import.meta.dirname, "../../docs/schema");
mkdirSync(directory, { recursive: true });
for (const [name, schema] of Object.entries(jsonSchemas())) {
  writeFileSync(join(directory, name), `${JSON.stringify(schema, null, 2)}\n`);
}
