import { renameSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { seeded } from "../random.ts";
import { authzMessage, requestMeeting } from "../requests.ts";
import { editionRule } from "../rule-sets.ts";
import type { Verdict } from "./answers.ts";
import { LOST } from "./connection.ts";
import type { FirstAnswerJob, ReloadJob, ReloadResult } from "./job.ts";
import type { Message, MessageSource } from "./messages.ts";
import { type Lane, openPool, type Sent } from "./pool.ts";

/** Between two rounds of questions. */
const PACE_MS = 1;
const IN_FLIGHT = 1_000;
/** How long is looked on before the edit and after the first new answer, milliseconds: what is torn down afterwards may stall as well. */
const BEFORE_MS = 300;
const AFTER_MS = 500;

/** Asks the server by the millisecond while its policies change: always the old rules, and whether the new one is there. */
export async function runReload(job: ReloadJob, messages: MessageSource): Promise<ReloadResult> {
  const watch = new Watch();
  const regular = messages("ext-authz", job.rules, 1);
  const edited = editionMessage(job.edition);
  const old = await openLine(job.port, (sent, status, verdict) => watch.answeredOld(sent, status, verdict));
  const fresh = await openLine(job.port, (sent, status, verdict) => watch.answeredFresh(sent, status, verdict));
  const echo = await openLine(job.besidePort, (sent) => watch.answeredBeside(sent));
  const editAtMs = performance.now() + BEFORE_MS;
  for (let round = 0, dueMs = performance.now(); !watch.over(editAtMs + job.limitMs); round++, dueMs += PACE_MS) {
    while (performance.now() < dueMs) await setTimeout(PACE_MS);
    if (watch.editedMs === undefined && dueMs >= editAtMs) {
      renameSync(job.from, job.to);
      watch.editedMs = performance.now();
    }
    const message = regular[round % regular.length];
    if (message === undefined) throw new Error("nothing to ask");
    for (const line of [old, fresh, echo]) line.ask({ message: line === fresh ? edited : message, intendedMs: dueMs });
  }
  for (const line of [old, fresh, echo]) line[Symbol.dispose]();
  return watch.result();
}

/** One connection that is asked in time; what finds no room waits, and its time counts from when it was due. */
interface Line extends Disposable {
  ask(sent: Sent): void;
}

async function openLine(port: number, answered: (sent: Sent, status: number, verdict: Verdict) => void): Promise<Line> {
  const due: Sent[] = [];
  const pump = (lane: Lane): void => {
    for (let next = due[0]; next !== undefined && lane.room > 0; next = due[0]) {
      due.shift();
      lane.send(next);
    }
    lane.flush();
  };
  const pool = await openPool({
    port,
    api: "ext-authz",
    connections: 1,
    inFlight: IN_FLIGHT,
    answered: (sent, _check, status, verdict) => answered(sent, status, verdict),
    free: pump,
  });
  const [lane] = pool.lanes;
  if (lane === undefined) throw new Error("no connection");
  return {
    ask(sent) {
      due.push(sent);
      pump(lane);
    },
    [Symbol.dispose]: () => pool[Symbol.dispose](),
  };
}

/** What is allowed in this edition only, and so is told by an answer. */
function editionMessage(edition: number): Message {
  const bytes = Buffer.from(authzMessage(requestMeeting(editionRule(edition), seeded(edition))));
  return { bytes, checks: [{ id: 0, expected: "allowed" }], numbers: [] };
}

class Watch {
  editedMs: number | undefined;
  #newAnswerMs: number | undefined;
  #stallMs = 0;
  #besideStallMs = 0;
  #checks = 0;
  #failed = 0;
  #wrong = 0;

  answeredOld({ message, intendedMs }: Sent, status: number, verdict: Verdict): void {
    this.#answered(intendedMs, status);
    if (status === 0 && verdict !== message.checks[0]?.expected) this.#wrong++;
  }

  answeredFresh({ intendedMs }: Sent, status: number, verdict: Verdict): void {
    this.#answered(intendedMs, status);
    if (status !== 0) return;
    if (verdict === "allowed") this.#newAnswerMs ??= performance.now();
    // Nobody goes back to the rules before.
    else if (this.#newAnswerMs !== undefined && intendedMs > this.#newAnswerMs) this.#wrong++;
  }

  answeredBeside({ intendedMs }: Sent): void {
    if (this.editedMs !== undefined)
      this.#besideStallMs = Math.max(this.#besideStallMs, performance.now() - intendedMs);
  }

  #answered(intendedMs: number, status: number): void {
    this.#checks++;
    if (status !== 0) this.#failed++;
    if (this.editedMs !== undefined) this.#stallMs = Math.max(this.#stallMs, performance.now() - intendedMs);
  }

  over(limitMs: number): boolean {
    return performance.now() > (this.#newAnswerMs === undefined ? limitMs : this.#newAnswerMs + AFTER_MS);
  }

  result(): ReloadResult {
    const answered = this.#newAnswerMs !== undefined && this.editedMs !== undefined;
    return {
      newAnswerMs: answered ? (this.#newAnswerMs ?? 0) - (this.editedMs ?? 0) : undefined,
      stallMs: this.#stallMs,
      besideStallMs: this.#besideStallMs,
      checks: this.#checks,
      failed: this.#failed,
      wrong: this.#wrong,
    };
  }
}

/** Resolves when one check was answered. */
export async function askOnce({ port, api, rules }: FirstAnswerJob, messages: MessageSource): Promise<void> {
  const answer = Promise.withResolvers<number>();
  using pool = await openPool({
    port,
    api,
    connections: 1,
    inFlight: 1,
    answered: (_sent, _check, status) => answer.resolve(status),
    free: () => undefined,
  });
  const [message] = messages(api, rules, 1);
  const [lane] = pool.lanes;
  if (!message || !lane) throw new Error("nothing to ask");
  lane.send({ message, intendedMs: performance.now() });
  lane.flush();
  const status = await answer.promise;
  if (status !== 0)
    throw new Error(status === LOST ? "no answer came" : `the first check failed with gRPC status ${status}`);
}
