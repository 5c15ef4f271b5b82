import { expect, test } from "vitest";
import { NotingHandlers, planOf } from "../../test/engine/folder.ts";
import { linkPacked } from "./link.ts";
import { packPlan } from "./packed-plan.ts";

const RULES = 40;
const PLAN = planOf({
  "weir.yaml": "doors: { weir: { requires: [request.method] } }",
  "many.yaml": [
    "policy: many",
    "check:",
    ...Array.from({ length: RULES }, (_, rule) => `  - { allow: rule-${rule}, when: 'request.method == "M${rule}"' }`),
  ].join("\n"),
});

/** A clock on which each look takes a millisecond. */
function turns(): { readonly now: () => number; readonly pause: () => Promise<void>; readonly slices: number[] } {
  let time = 0;
  let before = 0;
  const slices: number[] = [];
  return {
    slices,
    now: () => time++,
    pause: async () => {
      slices.push(time - before);
      before = time;
    },
  };
}

test("linking lets others have their turn every few rules", async () => {
  const clock = turns();
  const snapshot = await linkPacked(packPlan(PLAN), new NotingHandlers(), clock);
  expect(snapshot.checks.weir.rules).toHaveLength(RULES);
  expect(clock.slices.length).toBeGreaterThan(RULES / 10);
  expect(Math.max(...clock.slices)).toBeLessThan(10);
});
