import * as fc from "fast-check";
import { expect, test } from "vitest";
import { compileExpression } from "../../src/expression/index.ts";
import { comparesComparisons, mistakenExpressions, refusedByCelJs } from "./cel-js.ts";
import { type Expr, expressions, write } from "./generated.ts";
import { SCOPE } from "./properties.ts";

const SEED = 20_261_121;
const RUNS = 5_000;
const TIMEOUT_MS = 120_000;

/** What it refuses and CEL has. */
const IT_LACKS: readonly RegExp[] = [
  /overload for '(int|string)\((uint|google\.protobuf\.(Timestamp|Duration))\)'/,
  /overload: (bytes|dyn) [<>]=? (bytes|dyn)/,
  // Of a field of a literal: `has({"a": 1}.a)`.
  /has\(\) invalid argument/,
];

/** By our codes, what it lets pass: a key of another type than the map's, fields of what has none, and a duration and a time compared. */
const IT_LETS_PASS: readonly string[] = ["P1236", "P1235", "P1231"];

test("what makes sense does to another checker too", { timeout: TIMEOUT_MS }, () => {
  agreeAbout(expressions("bool", "standard"));
});

test("what makes no sense makes none to another checker", { timeout: TIMEOUT_MS }, () => {
  agreeAbout(mistakenExpressions());
});

function agreeAbout(arbitrary: fc.Arbitrary<Expr>): void {
  fc.assert(
    fc.property(arbitrary, (expr) => {
      expect(difference(expr)).toBeUndefined();
    }),
    { numRuns: RUNS, seed: SEED },
  );
}

/** Who refuses what the other takes, and why; undefined when both are of one mind or the difference is known. */
function difference(expr: Expr): string | undefined {
  const text = write(expr);
  const ours = compileExpression(text, SCOPE, "any", { lenient: true });
  const theirs = refusedByCelJs(text);
  if (ours.ok === (theirs === undefined) || comparesComparisons(expr)) return undefined;
  if (ours.ok) return IT_LACKS.some((known) => known.test(theirs ?? "")) ? undefined : `${text}: ${theirs}`;
  const { code, message } = ours.problem;
  return IT_LETS_PASS.includes(code) ? undefined : `${text}: ${code} ${message}`;
}
