/** How questions to the main thread are sent, and how one learns that nobody waits any more. */
export interface QuestionsOptions<A> {
  readonly unavailable: (reason: string) => A;
  readonly withdraw: (id: number) => void;
  readonly maxOpen: number;
  readonly limitMs: number;
  readonly monotonicMs: () => number;
}

interface Open<A> {
  readonly resolve: (answer: A) => void;
  readonly untilMs: number;
  readonly signal: AbortSignal | undefined;
  readonly gone: () => void;
}

/**
 * Questions of one kind that wait for the main thread's answer. Each is answered once: by an answer, when its caller went away, or when it
 * took too long. Never rejects.
 */
export class OpenQuestions<A> {
  readonly #options: QuestionsOptions<A>;
  /** In the order in which they were asked, which is that of their limits. */
  readonly #open = new Map<number, Open<A>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: QuestionsOptions<A>) {
    this.#options = options;
  }

  /** @param send sends the question; it is not called when the answer is known before. */
  ask(id: number, signal: AbortSignal | undefined, send: () => void): A | Promise<A> {
    const { unavailable, withdraw, maxOpen, limitMs, monotonicMs } = this.#options;
    if (signal?.aborted) return unavailable("the caller has gone");
    if (this.#open.size >= maxOpen) return unavailable(`${maxOpen} questions are without an answer`);
    send();
    return new Promise((resolve) => {
      const gone = (): void => {
        withdraw(id);
        this.settle(id, unavailable("the caller has gone"));
      };
      signal?.addEventListener("abort", gone, { once: true });
      this.#open.set(id, { resolve, untilMs: monotonicMs() + limitMs, signal, gone });
      this.#timer ??= setTimeout(() => this.#expire(), limitMs);
    });
  }

  /** An answer to what nobody asks any more is passed over. */
  settle(id: number, answer: A): void {
    const open = this.#open.get(id);
    if (open === undefined) return;
    this.#open.delete(id);
    open.signal?.removeEventListener("abort", open.gone);
    open.resolve(answer);
  }

  #expire(): void {
    this.#timer = undefined;
    const { unavailable, withdraw, limitMs, monotonicMs } = this.#options;
    const nowMs = monotonicMs();
    for (const [id, { untilMs }] of this.#open) {
      if (untilMs > nowMs) {
        this.#timer = setTimeout(() => this.#expire(), Math.ceil(untilMs - nowMs));
        return;
      }
      withdraw(id);
      this.settle(id, unavailable(`no answer within ${limitMs} ms`));
    }
  }
}
