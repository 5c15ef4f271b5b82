import type { CheckAnswer, ListEntry, QuotaAnswer, QuotaRequest } from "../adapter/templates.ts";
import type { Claimed, ReportClaims } from "../server/report-ids.ts";
import type { HandlerSet, QuotaStore, ReportBatch } from "../snapshot/handler-set.ts";
import { OpenQuestions } from "./open-questions.ts";
import type { Outbox } from "./outbox.ts";
import { ANSWER_LIMIT_MS, type Answer, MAX_OPEN_QUESTIONS } from "./protocol.ts";

/** The way from a request thread to what only the main thread has: handlers, and the memory of reports. */
export class MainThread implements ReportClaims {
  readonly #outbox: Outbox;
  readonly #asks: OpenQuestions<CheckAnswer>;
  readonly #charges: OpenQuestions<QuotaAnswer>;
  readonly #claims: OpenQuestions<{ readonly before: number | undefined } | "unavailable">;
  #lastId = 0;

  constructor(outbox: Outbox, monotonicMs: () => number) {
    this.#outbox = outbox;
    const withdraw = (id: number): void => outbox.withdraw(id);
    const shared = { withdraw, maxOpen: MAX_OPEN_QUESTIONS, limitMs: ANSWER_LIMIT_MS, monotonicMs };
    this.#asks = new OpenQuestions<CheckAnswer>({
      ...shared,
      unavailable: (reason) => ({ kind: "unavailable", reason }),
    });
    this.#charges = new OpenQuestions<QuotaAnswer>({
      ...shared,
      unavailable: (reason) => ({ kind: "unavailable", cause: "down", reason }),
    });
    this.#claims = new OpenQuestions<{ readonly before: number | undefined } | "unavailable">({
      ...shared,
      unavailable: () => "unavailable",
    });
  }

  /** The handlers of one snapshot. */
  handlers(generation: number): HandlerSet {
    const quota = (handler: string): QuotaStore => ({
      charge: (request, signal) => this.#charge(generation, handler, request, signal),
    });
    return {
      deliver: (handler: string, batch: ReportBatch) => this.#outbox.deliver(generation, handler, batch),
      ask: (handler: string, entry: ListEntry, signal: AbortSignal) => {
        const id = this.#nextId();
        return this.#asks.ask(id, signal, () => this.#outbox.ask({ what: "ask", id, generation, handler, entry }));
      },
      quota: kept(quota),
      // What adapters say is asked of them where they run, and they are closed there.
      exposition: async () => "",
      retire: async () => undefined,
    };
  }

  async claim(key: string, records: number): Promise<Claimed | "unavailable"> {
    const id = this.#nextId();
    const undo = (): void => this.#outbox.ask({ what: "unclaim", id });
    const answer = await this.#claims.ask(id, undefined, () => this.#outbox.ask({ what: "claim", id, key, records }));
    if (answer !== "unavailable") return { before: answer.before, undo };
    // The answer may only be late: then it was claimed.
    undo();
    return answer;
  }

  settle(answers: readonly Answer[]): void {
    for (const one of answers) {
      switch (one.what) {
        case "ask":
          this.#asks.settle(one.id, one.answer);
          break;
        case "charge":
          this.#charges.settle(one.id, one.answer);
          break;
        case "claim":
          this.#claims.settle(one.id, { before: one.answer });
      }
    }
  }

  #charge(
    generation: number,
    handler: string,
    request: QuotaRequest,
    signal: AbortSignal,
  ): QuotaAnswer | Promise<QuotaAnswer> {
    const id = this.#nextId();
    const send = (): void => this.#outbox.ask({ what: "charge", id, generation, handler, request });
    if (request.operation === "charge") return this.#charges.ask(id, signal, send);
    // Nobody waits for what is given back.
    send();
    return { kind: "granted", grants: [] };
  }

  #nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }
}

/** Made once per name: it is asked for at each charge. */
function kept(make: (name: string) => QuotaStore): (name: string) => QuotaStore {
  const made = new Map<string, QuotaStore>();
  return (name) => {
    const known = made.get(name);
    if (known !== undefined) return known;
    const fresh = make(name);
    made.set(name, fresh);
    return fresh;
  };
}
