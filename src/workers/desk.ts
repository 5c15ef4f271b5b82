import type { Claimed, ReportIds } from "../server/report-ids.ts";
import type { HandlerSet, ReportBatch } from "../snapshot/handler-set.ts";
import type { Answer, Question, Receipts, RecordedBytes, ToThread, Work } from "./protocol.ts";
import { MAX_OPEN_QUESTIONS, RECEIPTS } from "./protocol.ts";

/** What only the main thread has, and request threads need. */
export interface DeskServices {
  readonly handlersOf: (generation: number) => HandlerSet | undefined;
  /** Counts report instances as accepted and dropped. */
  readonly lost: (handler: string, instances: number) => void;
  readonly reports: ReportIds;
  readonly line: (line: string) => void;
  readonly record: (message: RecordedBytes) => void;
}

export interface DeskOptions {
  readonly services: DeskServices;
  readonly receipts: Receipts;
  readonly post: (message: ToThread) => void;
}

/** Does in the main thread what one request thread wants done, and sends it the answers, those of one turn together. */
export class Desk {
  readonly #services: DeskServices;
  readonly #receipts: Receipts;
  readonly #post: (message: ToThread) => void;
  /** Questions that wait for a handler. */
  readonly #open = new Map<number, AbortController>();
  /** Claims that may still be undone, the newest. */
  readonly #claims = new Map<number, Claimed>();
  #answers: Answer[] = [];
  #scheduled = false;
  #closed = false;

  constructor({ services, receipts, post }: DeskOptions) {
    this.#services = services;
    this.#receipts = receipts;
    this.#post = post;
  }

  do({ deliveries, drops, questions, withdrawn, lines, recorded }: Work): void {
    const { handlersOf, lost, line, record } = this.#services;
    for (const text of lines) line(text);
    for (const { generation, handler, batch } of deliveries) {
      const set = handlersOf(generation);
      // INVARIANT: a thread sends nothing for handlers that it has released, and they are retired no sooner.
      if (set === undefined) throw new Error(`a thread reports to generation ${generation}, which is retired`);
      set.deliver(handler, asWritten(batch));
      this.#took(RECEIPTS.instances, batch.instances.length);
    }
    for (const { handler, instances } of drops) lost(handler, instances);
    for (const message of recorded) {
      record(message);
      this.#took(RECEIPTS.bytes, message.bytes.length);
    }
    for (const question of questions) this.#ask(question);
    for (const id of withdrawn) this.#open.get(id)?.abort(new Error("the caller went away"));
    if (this.#answers.length > 0) this.#send();
  }

  /** The thread is gone: nobody waits for answers. */
  close(): void {
    this.#closed = true;
    for (const abort of this.#open.values()) abort.abort(new Error("who asked is gone"));
    this.#open.clear();
  }

  #took(cell: number, amount: number): void {
    this.#receipts[cell] = (this.#receipts[cell] ?? 0) + amount;
  }

  #ask(question: Question): void {
    const { handlersOf } = this.#services;
    const { id } = question;
    switch (question.what) {
      case "claim":
        this.#claim(question);
        return;
      case "unclaim":
        this.#claims.get(id)?.undo();
        this.#claims.delete(id);
        return;
      case "ask": {
        const { handler, entry, generation } = question;
        this.#wait(
          id,
          (signal) => setOf(handlersOf, generation).ask(handler, entry, signal),
          (answer) => ({ what: "ask", id, answer }),
        );
        return;
      }
      case "charge": {
        const { handler, request, generation } = question;
        this.#wait(
          id,
          (signal) => setOf(handlersOf, generation).quota(handler).charge(request, signal),
          (answer) => ({ what: "charge", id, answer }),
        );
      }
    }
  }

  #claim({ id, key, records }: Extract<Question, { what: "claim" }>): void {
    const claimed = this.#services.reports.claim(key, records);
    this.#answers.push({ what: "claim", id, answer: claimed.before });
    this.#claims.set(id, claimed);
    const [oldest] = this.#claims.keys();
    if (this.#claims.size > MAX_OPEN_QUESTIONS && oldest !== undefined) this.#claims.delete(oldest);
  }

  /** Handlers never throw and never reject; most answer at once. */
  #wait<A>(id: number, ask: (signal: AbortSignal) => A | Promise<A>, answerOf: (answer: A) => Answer): void {
    const abort = new AbortController();
    const answer = ask(abort.signal);
    if (!(answer instanceof Promise)) {
      this.#answers.push(answerOf(answer));
      return;
    }
    this.#open.set(id, abort);
    void answer.then((settled) => {
      this.#open.delete(id);
      this.#answers.push(answerOf(settled));
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#answers.length > 0) this.#send();
    });
  }

  #send(): void {
    const answers = this.#answers;
    this.#answers = [];
    if (!this.#closed) this.#post({ kind: "answers", answers });
  }
}

function setOf(handlersOf: DeskServices["handlersOf"], generation: number): HandlerSet {
  const set = handlersOf(generation);
  // INVARIANT: as for deliveries: the request that asks holds its snapshot, and so its thread has not released it.
  if (set === undefined) throw new Error(`a thread asks generation ${generation}, which is retired`);
  return set;
}

/** Crossing gave the maps of names a prototype, which adapters were promised they do not have. */
function asWritten(batch: ReportBatch): ReportBatch {
  if (batch.template === "logentry")
    for (const { variables } of batch.instances) Object.setPrototypeOf(variables, null);
  if (batch.template === "tracespan")
    for (const { attributes } of batch.instances) Object.setPrototypeOf(attributes, null);
  return batch;
}
