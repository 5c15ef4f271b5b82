import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import * as z from "zod";
import { REPOSITORY } from "./documents.ts";

/**
 * No key without a use: each is in the example policies, in the demo's, or in a test that drives a real Envoy. What keys there are, the schemas
 * say that the loader itself runs.
 */
test("each key of each file is used in policies/ or through the real Envoy", async () => {
  const keys = await keysOfSchemas();
  const used = await usedKeys();
  expect(keys.length).toBeGreaterThan(60);
  expect(keys.filter((key) => !used.has(key))).toEqual([]);
});

/** As much of a JSON Schema as leads to keys. */
interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>> | undefined;
  readonly items?: SchemaNode | undefined;
  readonly oneOf?: readonly SchemaNode[] | undefined;
}

const schemaNode: z.ZodType<SchemaNode> = z.lazy(() =>
  z.looseObject({
    properties: z.record(z.string(), schemaNode).optional(),
    items: schemaNode.optional(),
    oneOf: z.array(schemaNode).optional(),
  }),
);

async function keysOfSchemas(): Promise<readonly string[]> {
  const folder = join(REPOSITORY, "docs/schema");
  const names = (await readdir(folder)).filter((name) => name.endsWith(".schema.json"));
  const schemas = await Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, name), "utf8"))));
  return [...new Set(schemas.flatMap((schema) => keysOf(schemaNode.parse(schema))))].sort();
}

function keysOf({ properties = {}, items, oneOf = [] }: SchemaNode): readonly string[] {
  const below = [...Object.values(properties), ...(items === undefined ? [] : [items]), ...oneOf];
  return [...Object.keys(properties), ...below.flatMap(keysOf)];
}

/** At the beginning of a line, of an item, or inside an inline map. */
const KEY = /(?:^|[\s{,`"])(?<key>[a-z][a-z-]*):(?=\s|$)/gmu;

async function usedKeys(): Promise<ReadonlySet<string>> {
  const texts = await Promise.all([
    ...(await textsIn("policies", /\.yaml$/u)),
    ...(await textsIn("deploy/demo/policies", /\.yaml$/u)),
    ...(await textsIn("test/e2e", /\.test\.ts$/u)).map(async (text) => policiesIn(await text)),
  ]);
  return new Set(texts.flatMap((text) => [...text.matchAll(KEY)].map(({ groups }) => groups?.["key"] ?? "")));
}

async function textsIn(folder: string, names: RegExp): Promise<readonly Promise<string>[]> {
  const files = await readdir(join(REPOSITORY, folder), { recursive: true });
  return files.filter((name) => names.test(name)).map((name) => readFile(join(REPOSITORY, folder, name), "utf8"));
}

/** The literals of a test that starts an Envoy: what it writes as policies is among them. */
function policiesIn(source: string): string {
  if (!source.includes("WITHOUT_ENVOY")) return "";
  const texts: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isTemplateExpression(node)) texts.push(node.getText());
    else if (ts.isStringLiteralLike(node)) texts.push(node.text);
    node.forEachChild(visit);
  };
  visit(ts.createSourceFile("test.ts", source, ts.ScriptTarget.Latest, true));
  return texts.join("\n");
}
