import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Invalid } from "../attribute/value.ts";
import { categoryOf, knownCategory } from "./eval-categories.ts";

const ROOM = join(import.meta.dirname, "../expression");

/** Every reason that the expression room gives, as its source has it: `${…}` stands for what only a request knows. */
const reasons = readdirSync(ROOM, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
  .flatMap((name) => {
    const text = readFileSync(join(ROOM, name), "utf8");
    return [...text.matchAll(/\b(?:invalid|new Invalid)\(\s*(["`])((?:[^"`\\]|\\.)*)\1/g)].map(
      ([, , reason = ""]) => reason,
    );
  });

test("every error of an expression has its category", () => {
  expect(reasons.length).toBeGreaterThan(40);
  expect(reasons.filter((reason) => knownCategory(reason) === undefined)).toEqual([]);
});

test.each([
  ["division by zero", "_/_", "divide by zero"],
  ["division by zero", "_%_", "modulus by zero"],
  ["not a regular expression: missing )", undefined, "invalid regex"],
  ["cost limit", undefined, "cost limit"],
  ["something that a door says", undefined, "other"],
])("%s of %s is: %s", (reason, operation, category) => {
  expect(categoryOf(new Invalid(reason), operation)).toBe(category);
});
