import type { LinkedRespond } from "../snapshot/linked.ts";
import type { DirectResponse, HeaderPair } from "./decision.ts";
import { respondBody, respondHeaders } from "./headers.ts";
import type { Run } from "./run.ts";

const DENIED_STATUS = 403;
const LIMITED_STATUS = 429;

/** What most refused clients get: no rule said anything about it. */
const PLAIN: DirectResponse = { status: DENIED_STATUS, headers: [], body: "", constant: true };

/**
 * What refused clients get. Where nothing of it depends on the request it is the same object each time, so that a door may keep what it
 * makes of it.
 */
export class Refusals {
  readonly #constant = new WeakMap<LinkedRespond, DirectResponse>();

  of(run: Run): DirectResponse {
    const { verdict, respond, retryAfterMs } = run.ruling;
    if (verdict === "limited" || retryAfterMs !== undefined) return responseOf(run);
    if (respond === undefined) return PLAIN;
    if (!respond.constant) return responseOf(run);
    const known = this.#constant.get(respond);
    if (known !== undefined) return known;
    const made = responseOf(run);
    // A request that had no steps left may have lost a part of it.
    if (run.frame.budget <= 0) return made;
    const constant = { ...made, constant: true } as const;
    this.#constant.set(respond, constant);
    return constant;
  }
}

function responseOf(run: Run): DirectResponse {
  const { verdict, respond, retryAfterMs } = run.ruling;
  const status = respond?.plan.status ?? (verdict === "limited" ? LIMITED_STATUS : DENIED_STATUS);
  const headers = respondHeaders(respond, run);
  const wait: HeaderPair[] =
    retryAfterMs === undefined ? [] : [["retry-after", String(Math.max(1, Math.ceil(retryAfterMs / 1000)))]];
  const ownsWait = headers.some(([name]) => name === "retry-after");
  return { status, headers: ownsWait ? headers : [...headers, ...wait], body: respondBody(respond, run) };
}
