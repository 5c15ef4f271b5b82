import assert from "node:assert/strict";
import { nothingMoreThan, running, settles, succeeds } from "./expect.ts";
import { openForTest } from "./open-for-test.ts";
import type { ConformanceCase, ConformanceOptions } from "./options.ts";
import { sampleQuestions } from "./samples.ts";

const KINDS = ["no-objection", "objection", "unavailable"];

/** What adapters of `listentry` promise. */
export function checkCases(options: ConformanceOptions): readonly ConformanceCase[] {
  const { adapter, silent } = options;
  if (!adapter.templates.includes("listentry")) return [];
  return [
    { name: "listentry: has an answer to every kind of value, the same when asked again", run: () => answers(options) },
    ...(silent
      ? [
          {
            name: "listentry: an unanswered question ends when it is aborted",
            run: () => endsWhenAborted(options, silent),
          },
        ]
      : []),
  ];
}

async function answers({ adapter, config }: ConformanceOptions): Promise<void> {
  const written = await config();
  const before = running();
  const opened = await openForTest(adapter, written);
  const call = { signal: new AbortController().signal };
  for (const question of sampleQuestions()) {
    const ask = () => succeeds(() => opened.handler.listentry(question, call), "an answer");
    const [first, second] = await Promise.all([ask(), ask()]);
    assert.ok(isAnswer(first), `no answer: ${JSON.stringify(first)}`);
    assert.deepEqual(second, first);
  }
  await succeeds(() => opened.close(), "close");
  await nothingMoreThan(before);
}

function isAnswer(answer: unknown): boolean {
  return typeof answer === "object" && answer !== null && "kind" in answer && KINDS.includes(String(answer.kind));
}

async function endsWhenAborted({ adapter }: ConformanceOptions, config: () => unknown): Promise<void> {
  const opened = await openForTest(adapter, await config());
  const controller = new AbortController();
  setImmediate(() => controller.abort(new Error("aborted by the test")));
  const [question] = sampleQuestions();
  if (question) await settles(() => opened.handler.listentry(question, controller), "an aborted question");
  await succeeds(() => opened.close(), "close");
}
