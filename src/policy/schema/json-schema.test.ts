import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { jsonSchemas } from "./json-schema.ts";
import { KINDS } from "./kinds.ts";

const DOCS = join(import.meta.dirname, "../../../docs/schema");

describe("the JSON Schema for editors", () => {
  const schemas = jsonSchemas();

  test("is what docs/schema holds (node --conditions=weir-source test/tools/generate-schema.ts)", () => {
    const committed = readdirSync(DOCS).map((name) => [name, JSON.parse(readFileSync(join(DOCS, name), "utf8"))]);
    expect(Object.fromEntries(committed)).toEqual(JSON.parse(JSON.stringify(schemas)));
  });

  test("offers each kind of rule, told from the others by the key it requires", () => {
    const policy = schemas["policy.schema.json"] as Record<
      string,
      Record<string, { items: { oneOf: { required: string[] }[] } }>
    >;
    for (const section of ["check", "quota", "report"] as const) {
      const kinds = policy["properties"]?.[section]?.items.oneOf.map(({ required }) => required[0]);
      expect(kinds).toEqual(Object.keys(KINDS[section]));
    }
  });

  test("describes every key", () => {
    expect(keysWithoutDescription(schemas)).toEqual([]);
  });

  test("says which places hold CEL and which hold text", () => {
    const places = JSON.stringify(schemas["policy.schema.json"]).match(/"x-weir":"(cel|text)"/g) ?? [];
    expect(new Set(places)).toEqual(new Set(['"x-weir":"cel"', '"x-weir":"text"']));
  });
});

function keysWithoutDescription(node: unknown, path = ""): string[] {
  if (typeof node !== "object" || node === null) return [];
  const own: string[] = [];
  const { properties } = node as { properties?: Record<string, { description?: string }> };
  for (const [key, value] of Object.entries(properties ?? {})) if (!value.description) own.push(`${path}/${key}`);
  return [...own, ...Object.entries(node).flatMap(([key, value]) => keysWithoutDescription(value, `${path}/${key}`))];
}
