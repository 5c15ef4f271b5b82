import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { REPOSITORY, readDocument } from "./documents.ts";

const ROOM = "src/expression";

test("the map of src/expression names every file there, and no other", async () => {
  const map = await readDocument(`${ROOM}/README.md`);
  const named = [...map.matchAll(/`((?:functions\/)?[a-z-]+\.ts)`/gu)].map(([, file = ""]) => file);
  const files = readdirSync(join(REPOSITORY, ROOM)).filter((file) => /^[a-z-]+\.ts$/u.test(file));
  // The map has them all in one.
  const own = files.filter((file) => !file.startsWith("link-"));
  expect(own.filter((file) => !named.includes(file))).toEqual([]);
  const functions = readdirSync(join(REPOSITORY, ROOM, "functions")).map((file) => `functions/${file}`);
  expect(named.filter((file) => ![...files, ...functions].includes(file))).toEqual([]);
});
