import * as fc from "fast-check";
import { expect, test } from "vitest";
import { evaluate, show } from "../../test/cel/harness.ts";

/** A condition as a tree, and what it is by the plainest reading of the rules. */
type Condition =
  | { readonly op: "leaf"; readonly is: Truth }
  | { readonly op: "not"; readonly of: Condition }
  | { readonly op: "and" | "or" | "all" | "exists" | "exists_one"; readonly of: readonly Condition[] }
  | { readonly op: "conditional"; readonly of: readonly [Condition, Condition, Condition] }
  | { readonly op: "equal"; readonly of: readonly [Condition, Condition] };

type Truth = "true" | "false" | "absent" | "error";

const NAMES: Readonly<Record<Truth, string>> = {
  true: "it.is.yes",
  false: "it.is.no",
  absent: "it.is.gone",
  error: "it.is.broken",
};

function naive(condition: Condition): Truth {
  switch (condition.op) {
    case "leaf":
      return condition.is;
    case "not":
      return negate(naive(condition.of));
    case "and":
    case "all":
      return settle(condition.of.map(naive), "false", "true");
    case "or":
    case "exists":
      return settle(condition.of.map(naive), "true", "false");
    case "exists_one":
      return strict(condition.of.map(naive), (truths) => truths.filter((truth) => truth === "true").length === 1);
    case "conditional": {
      const [when, then, otherwise] = condition.of;
      const truth = naive(when);
      return truth === "true" ? naive(then) : truth === "false" ? naive(otherwise) : truth;
    }
    case "equal":
      return strict(condition.of.map(naive), ([a, b]) => a === b);
  }
}

function settle(truths: readonly Truth[], settling: Truth, otherwise: Truth): Truth {
  if (truths.includes(settling)) return settling;
  return truths.includes("error") ? "error" : truths.includes("absent") ? "absent" : otherwise;
}

function strict(truths: readonly Truth[], of: (truths: readonly Truth[]) => boolean): Truth {
  if (truths.includes("error")) return "error";
  return truths.includes("absent") ? "absent" : of(truths) ? "true" : "false";
}

function negate(truth: Truth): Truth {
  return truth === "true" ? "false" : truth === "false" ? "true" : truth;
}

/** As an author would write it; the elements of a list are the numbers of the conditions for them. */
function write(condition: Condition): string {
  switch (condition.op) {
    case "leaf":
      return NAMES[condition.is];
    case "not":
      return `!${write(condition.of)}`;
    case "and":
    case "or":
      return `(${condition.of.map(write).join(condition.op === "and" ? " && " : " || ")})`;
    case "conditional":
      return `(${write(condition.of[0])} ? ${write(condition.of[1])} : ${write(condition.of[2])})`;
    case "equal":
      return `(${write(condition.of[0])} == ${write(condition.of[1])})`;
    default: {
      const branches = condition.of.map((one, index) => `x == ${index} ? ${write(one)} : `).join("");
      return `[${condition.of.map((_, index) => index).join()}].${condition.op}(x, ${branches}false)`;
    }
  }
}

const condition = fc.letrec<{ tree: Condition }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom<Truth>("true", "false", "absent", "error").map((is): Condition => ({ op: "leaf", is })),
    tie("tree").map((of): Condition => ({ op: "not", of })),
    fc
      .tuple(
        fc.constantFrom("and", "or", "all", "exists", "exists_one"),
        fc.array(tie("tree"), { minLength: 1, maxLength: 4 }),
      )
      .map(([op, of]): Condition => ({ op, of })),
    fc.tuple(tie("tree"), tie("tree"), tie("tree")).map((of): Condition => ({ op: "conditional", of })),
    fc.tuple(tie("tree"), tie("tree")).map((of): Condition => ({ op: "equal", of })),
  ),
})).tree;

test("any condition is what the plainest reading of the rules makes of it", () => {
  const small = condition.filter((tree) => write(tree).length < 4000);
  fc.assert(
    fc.property(small, (tree) => {
      expect(show(evaluate(write(tree)))).toBe(naive(tree));
    }),
    { numRuns: 2_000, seed: 20_260_101 },
  );
});
