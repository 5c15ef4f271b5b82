import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import * as z from "zod";
import { ADAPTER, type Adapter, API_VERSION } from "../adapter/define-adapter.ts";
import { configJsonSchema } from "./config-schema.ts";
import { FIRST_PARTY_ADAPTERS } from "./first-party.ts";
import { createModuleSource } from "./module-source.ts";

const exported = z.object({
  default: z.custom<Adapter>((value) => typeof value === "object" && value !== null && ADAPTER in value),
});

test("every folder of adapters/ has its row, in alphabetical order, and no row is without its folder", async () => {
  const folders = await readdir(new URL("../../adapters", import.meta.url));
  expect(FIRST_PARTY_ADAPTERS.map(({ name }) => name)).toEqual(folders.sort());
});

test.each(FIRST_PARTY_ADAPTERS)(
  "$name is what its row says, and its config has a JSON Schema",
  async ({ name, templates }) => {
    const found = await createModuleSource({ folder: "." })(name);
    const { default: adapter } = exported.parse(found.ok ? found.module : undefined);
    expect(adapter).toMatchObject({ name, templates, [ADAPTER]: API_VERSION });
    expect(configJsonSchema(adapter)).toMatchObject({ type: "object", additionalProperties: false });
  },
);
