import { type Bag, bagSource } from "../attribute/bag.ts";
import type { Outcome } from "../attribute/value.ts";
import type { Frame } from "../expression/frame.ts";
import { createFrame, link, linkTraced } from "../expression/index.ts";
import type { Trace } from "../expression/trace.ts";
import type { ExpressionPlan } from "../expression/tree.ts";

/** A compiled expression, ready for any number of requests. What a bag does not have is absent. */
export interface Runnable {
  readonly plan: ExpressionPlan;
  run(bag: Bag): Outcome;
  /** The same with the value of every part; takes several times as long. */
  trace(bag: Bag): Trace;
}

/** @param budget evaluation steps of one run. */
export function runnable(plan: ExpressionPlan, budget: number): Runnable {
  const slots = [...new Set(plan.reads.map(({ attribute }) => attribute))].map((name, slot) => ({ name, slot }));
  const bySlot = new Map(slots.map(({ name, slot }) => [name, slot]));
  const scope = { slotOf: (name: string) => bySlot.get(name) ?? unread(name) };
  const frame = (bag: Bag): Frame =>
    createFrame({ source: bagSource(bag, slots), slots: slots.length, derived: [], record: false, budget });
  const evaluate = link(plan, scope);
  let traced: ((frame: Frame) => Trace) | undefined;
  return {
    plan,
    run: (bag) => evaluate(frame(bag)),
    trace(bag) {
      traced ??= linkTraced(plan, scope);
      return traced(frame(bag));
    },
  };
}

function unread(name: string): never {
  throw new Error(`the plan reads ${name} and does not say so`);
}
