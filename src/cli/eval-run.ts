import type { Bag } from "../attribute/bag.ts";
import { bagSource } from "../attribute/bag.ts";
import type { Outcome } from "../attribute/value.ts";
import { createFrame, link } from "../expression/index.ts";
import type { ExpressionPlan } from "../expression/tree.ts";

/** A compiled expression, ready for any number of requests. */
export interface Runnable {
  readonly plan: ExpressionPlan;
  /** @param bag what is not in it is absent. */
  run(bag: Bag): Outcome;
}

/** @param budget evaluation steps of one run. */
export function runnable(plan: ExpressionPlan, budget: number): Runnable {
  const slots = [...new Set(plan.reads.map(({ attribute }) => attribute))].map((name, slot) => ({ name, slot }));
  const bySlot = new Map(slots.map(({ name, slot }) => [name, slot]));
  const evaluate = link(plan, { slotOf: (name) => bySlot.get(name) ?? unread(name) });
  return {
    plan,
    run: (bag) =>
      evaluate(createFrame({ source: bagSource(bag, slots), slots: slots.length, derived: [], record: false, budget })),
  };
}

function unread(name: string): never {
  throw new Error(`the plan reads ${name} and does not say so`);
}
