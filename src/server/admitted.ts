import type { Admission } from "../engine/engine.ts";
import { type Reply, STATUS } from "../wire/door.ts";

type Admitted = Extract<Admission, { ok: true }>;
type TurnedAway = Extract<Admission, { ok: false }>;

/**
 * Answers one admitted call and lets go of its snapshot exactly once, however it ends. Without a promise when nothing had to wait.
 * @param answerBug what is answered when our own code threw: never an exception.
 */
export function whileAdmitted<T = Reply>(
  admission: Admitted,
  work: () => T | Promise<T>,
  answerBug: (error: unknown) => T,
): T | Promise<T> {
  let waiting = false;
  try {
    const reply = work();
    if (!(reply instanceof Promise)) return reply;
    waiting = true;
    return reply.catch(answerBug).finally(() => admission.release());
  } catch (error) {
    return answerBug(error);
  } finally {
    if (!waiting) admission.release();
  }
}

const WHY: Readonly<Record<TurnedAway["why"], string>> = {
  overload: "overloaded, try again",
  draining: "shutting down, ask another",
  "no-snapshot": "no policies are loaded",
};

/** The engine cannot work: the call fails, so that the caller's own failure mode applies. */
export function turnedAway({ why }: TurnedAway): Extract<Reply, { kind: "status" }> {
  return { kind: "status", code: STATUS.unavailable, message: WHY[why] };
}
