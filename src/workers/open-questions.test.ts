import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { OpenQuestions } from "./open-questions.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function questions(maxOpen = 10) {
  const withdrawn: number[] = [];
  const open = new OpenQuestions<string>({
    unavailable: (reason) => reason,
    withdraw: (id) => void withdrawn.push(id),
    maxOpen,
    limitMs: 100,
    monotonicMs: () => Date.now(),
  });
  return { open, withdrawn };
}

const NOTHING = (): void => undefined;

test("each is answered by its own answer; answers to nobody are passed over", async () => {
  const { open, withdrawn } = questions();
  const [one, two] = [open.ask(1, undefined, NOTHING), open.ask(2, undefined, NOTHING)];
  open.settle(2, "b");
  open.settle(7, "nobody's");
  open.settle(1, "a");
  expect([await one, await two]).toEqual(["a", "b"]);
  expect(withdrawn).toEqual([]);
});

test("one that takes too long is unavailable and withdrawn, those asked later have their own time", async () => {
  const { open, withdrawn } = questions();
  const early = open.ask(1, undefined, NOTHING);
  vi.advanceTimersByTime(60);
  const late = open.ask(2, undefined, NOTHING);
  vi.advanceTimersByTime(50);
  expect(await early).toBe("no answer within 100 ms");
  expect(withdrawn).toEqual([1]);
  open.settle(2, "in time");
  expect(await late).toBe("in time");
});

test("one whose caller goes away is withdrawn, and not even sent when he has gone before", async () => {
  const { open, withdrawn } = questions();
  const caller = new AbortController();
  const asked = open.ask(1, caller.signal, NOTHING);
  caller.abort();
  expect(await asked).toBe("the caller has gone");
  expect(withdrawn).toEqual([1]);
  const send = vi.fn();
  expect(open.ask(2, caller.signal, send)).toBe("the caller has gone");
  expect(send).not.toHaveBeenCalled();
});

test("so many are open at a time, and one more is unavailable at once", () => {
  const { open } = questions(1);
  void open.ask(1, undefined, NOTHING);
  expect(open.ask(2, undefined, NOTHING)).toBe("1 questions are without an answer");
});
