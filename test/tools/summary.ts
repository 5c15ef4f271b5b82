/**
 * The last word of `npm test`: names what was skipped and what failed, then the total over all vitest runs, alone on
 * a line.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import * as z from "zod";

const resultsSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
});

const folder = new URL("../../.cache/results/", import.meta.url);
const root = new URL("../../", import.meta.url).pathname;
const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".json")) : [];
const tests = files.flatMap((name) => readResults(new URL(name, folder)));
const skipped = tests.filter((test) => test.status !== "passed" && test.status !== "failed");
const failed = tests.filter((test) => test.status === "failed");

for (const test of skipped) {
  console.log(`skipped: ${test.name}`);
}
for (const test of failed) {
  console.log(`failed: ${test.name}`);
}
const passed = tests.length - skipped.length - failed.length;
console.log(`${passed} passed, ${failed.length} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ""}`);

function readResults(file: URL): { name: string; status: string }[] {
  return resultsSchema.parse(JSON.parse(readFileSync(file, "utf8"))).testResults.flatMap((suite) => {
    const name = suite.name.replace(root, "");
    const tests = suite.assertionResults.map((test) => ({ name: `${name}: ${test.fullName}`, status: test.status }));
    // A file that breaks outside its tests (an import, a hook) must not vanish from the count.
    const broken = suite.status === "failed" && !tests.some((test) => test.status === "failed");
    return broken ? [...tests, { name, status: "failed" }] : tests;
  });
}
