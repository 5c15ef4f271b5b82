import type { Call } from "../adapter/handler.ts";
import { LazyCall } from "./call.ts";
import type { HostClock } from "./clock.ts";
import { reasonOf } from "./settle.ts";

export interface QuestionsOptions<Answer> {
  readonly clock: HostClock;
  readonly deadlineMs: number;
  /** Questions that may be without an answer at once, those counted that nobody waits for any more. */
  readonly maxOpen: number;
  readonly unavailable: (reason: string) => Answer;
  /** Told of every question that the adapter failed to answer. */
  readonly failed: (error: unknown) => void;
}

/**
 * Puts questions to a handler at request time. The answer comes without a promise when the adapter gave it so. Never throws, never rejects,
 * never waits beyond the deadline or the caller's own signal.
 */
export class Questions<Answer> {
  readonly #options: QuestionsOptions<Answer>;
  #open = 0;

  constructor(options: QuestionsOptions<Answer>) {
    this.#options = options;
  }

  /** @param usable throws when what came back is not an answer to this question. */
  ask(
    question: (call: Call) => unknown,
    usable: (answer: unknown) => Answer,
    signal: AbortSignal,
  ): Answer | Promise<Answer> {
    const { unavailable, maxOpen } = this.#options;
    if (signal.aborted) return unavailable("the caller has gone");
    if (this.#open >= maxOpen) return unavailable(`${maxOpen} questions are without an answer`);
    const call = new LazyCall();
    try {
      const answer = question(call);
      // What only looks like a promise may throw where it is waited for, or settle twice.
      return isPromise(answer) ? this.#wait(Promise.resolve(answer), call, usable, signal) : usable(answer);
    } catch (error) {
      return this.#fail(error);
    }
  }

  #wait(
    answer: Promise<unknown>,
    call: LazyCall,
    usable: (answer: unknown) => Answer,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { clock, deadlineMs, unavailable } = this.#options;
    this.#open += 1;
    return new Promise((resolve) => {
      const finish = (result: Answer) => {
        cancel();
        signal.removeEventListener("abort", gone);
        resolve(result);
      };
      const gone = () => {
        call.abort(signal.reason);
        finish(unavailable("the caller has gone"));
      };
      const cancel = clock.after(deadlineMs, () => {
        const error = new Error(`no answer within ${deadlineMs} ms`);
        call.abort(error);
        finish(this.#fail(error));
      });
      signal.addEventListener("abort", gone, { once: true });
      const fail = (error: unknown) => {
        this.#open -= 1;
        // After an abort a rejection is what was asked for.
        if (!call.aborted) finish(this.#fail(error));
      };
      answer.then((value) => {
        this.#open -= 1;
        if (call.aborted) return;
        try {
          finish(usable(value));
        } catch (error) {
          finish(this.#fail(error));
        }
      }, fail);
    });
  }

  #fail(error: unknown): Answer {
    this.#options.failed(error);
    return this.#options.unavailable(reasonOf(error));
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
