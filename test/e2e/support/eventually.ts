import { pollUntil } from "../../../deploy/poll.ts";

/** For what another process does when it gets to it. Generous: a machine may be busy, and a test that fails by time says nothing. */
const WITHIN_MS = 20_000;

/** @returns what `look` returns once that is neither undefined nor false. @throws naming `what` when it never is. */
export function eventually<T>(what: string, look: () => T | Promise<T>): Promise<Exclude<T, undefined | false>> {
  return pollUntil(look, { what, withinMs: WITHIN_MS });
}
