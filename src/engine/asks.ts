import type { CheckAnswer } from "../adapter/templates.ts";
import { ABSENT, type CelValue, Invalid } from "../attribute/value.ts";
import { toSdkValue } from "../report/values.ts";
import { describe } from "../snapshot/conditions.ts";
import type { LinkedAsk } from "../snapshot/linked.ts";
import type { Run } from "./run.ts";

/**
 * Asks check adapters whether they object. All that apply are asked at once, their answers are taken in authored order; the first refusal
 * stands. Returns a promise only when an adapter had to wait.
 */
export function askAdapters(run: Run): undefined | Promise<undefined> {
  if (run.program.asks.length === 0) return undefined;
  const asked: Asked[] = [];
  const found = run.program.indexes.asks.find(run.conditions);
  for (let ask = found.next(); ask !== undefined; ask = found.next()) {
    const answer = begin(ask, run);
    if (answer) asked.push({ ask, answer });
    // Whatever comes after it cannot change that the request is refused.
    if (answer && "kind" in answer && answer.kind === "unasked") break;
  }
  return settle(asked, run);
}

interface Asked {
  readonly ask: LinkedAsk;
  readonly answer: Answer | Promise<CheckAnswer>;
}

/** `unasked`: nobody can tell whether the rule applies, or what to ask. */
type Answer = CheckAnswer | { readonly kind: "unasked"; readonly why: string };

/** @returns undefined where the rule does not apply. */
function begin(ask: LinkedAsk, run: Run): Asked["answer"] | undefined {
  const condition = run.conditions.of(ask.policy, ask.when);
  if (condition === false) return undefined;
  if (condition !== true) return { kind: "unasked", why: describe(condition) };
  const value = ask.value(run.frame);
  if (value === ABSENT || value instanceof Invalid) return { kind: "unasked", why: describe(value) };
  return askOne(ask, value, run, run.input.call.signal);
}

/** @param signal says when nobody waits for the answer any more. */
export function askOne(
  ask: LinkedAsk,
  value: CelValue,
  run: Run,
  signal: AbortSignal,
): CheckAnswer | Promise<CheckAnswer> {
  const entry = { rule: ask.plan.reference.rule, value: toSdkValue(value) };
  return run.snapshot.handlers.ask(ask.plan.handler, entry, signal);
}

function settle(asked: readonly Asked[], run: Run): undefined | Promise<undefined> {
  for (const [index, { ask, answer }] of asked.entries()) {
    if (answer instanceof Promise) return settleLater(asked.slice(index), run);
    take(ask, answer, run);
    if (run.refused) return undefined;
  }
  return undefined;
}

async function settleLater(asked: readonly Asked[], run: Run): Promise<undefined> {
  for (const { ask, answer } of asked) {
    take(ask, await answer, run);
    if (run.refused) return;
  }
}

function take(ask: LinkedAsk, answer: Answer, run: Run): void {
  // An adapter may quote what it was asked about.
  const { reference, onUnavailable, masked } = ask.plan;
  switch (answer.kind) {
    case "no-objection":
      return;
    case "objection":
      run.refuse("denied", "adapter", reference, masked ? "it objected" : answer.message, ask.respond);
      return;
    case "unasked":
      run.refuse("undecided", "ask-error", reference, answer.why);
      return;
    case "unavailable":
      // Nobody said no: refusing here is a refusal to guess.
      if (onUnavailable === "deny")
        run.refuse("undecided", "adapter-unavailable", reference, masked ? "it could not tell" : answer.reason);
      else run.guessed = true;
  }
}
