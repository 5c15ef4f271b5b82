import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Finished, plant, ROOT } from "./plant.ts";

const imports = 'import { expect, test } from "vitest";\n';
const passing = `${imports}test("one is one", () => expect(1).toBe(1));\n`;

/** Runs vitest with this project's own settings over a project that has one test file. */
async function runVitest(text: string): Promise<Finished> {
  using plot = plant({
    "vitest.config.ts": readFileSync(join(ROOT, "vitest.config.ts"), "utf8"),
    "src/planted.test.ts": text,
  });
  return await plot.run("vitest", "run");
}

test("vitest passes tests that hold", async () => {
  expect(await runVitest(passing)).toMatchObject({ code: 0 });
});

test.each([
  ["a test that does not hold", `${imports}test("one is two", () => expect(1).toBe(2));\n`],
  ["a promise that nobody waits for", `${passing}void Promise.reject(new Error("nobody hears it"));\n`],
  ["a file that breaks before its tests", `${passing}throw new Error("too early");\n`],
  ["a file without any test", "export {};\n"],
])("vitest refuses %s", async (_, text) => {
  expect((await runVitest(text)).code).toBe(1);
});
