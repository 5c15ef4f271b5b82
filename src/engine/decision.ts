import type { Outcome } from "../attribute/value.ts";
import type { DoorName } from "../policy/authored.ts";
import type { RuleReference } from "../snapshot/plan.ts";

/** "No" and "could not decide" are different answers everywhere. */
export type Verdict = "allowed" | "denied" | "limited" | "undecided";

/** Why, in one word; the table of meanings is in docs/policy-reference.md. */
export type Reason =
  | "rule"
  | "unmatched"
  | "deny-error"
  | "allow-error"
  | "adapter"
  | "adapter-unavailable"
  | "ask-error"
  | "limit"
  | "limit-error"
  | "limit-unavailable"
  | "deadline"
  | "door-off"
  | "incomplete"
  | "quota-only"
  | "not-granted"
  | "undecodable"
  | "too-large";

/** What a refused client gets instead of the service's answer. */
export interface DirectResponse {
  /** 300–599. */
  readonly status: number;
  readonly headers: readonly HeaderPair[];
  readonly body: string;
  /** Nothing of it depends on the request: it is this very object each time, so that a door may keep what it makes of it. */
  readonly constant?: true;
}

export type HeaderPair = readonly [name: string, value: string];

/** What to do to the request going up and to the response coming down; only when allowed. Never two operations for one name. */
export interface Changes {
  readonly requestSet: readonly HeaderPair[];
  readonly requestAdd: readonly HeaderPair[];
  readonly requestRemove: readonly string[];
  readonly responseSet: readonly HeaderPair[];
  readonly responseAdd: readonly HeaderPair[];
  /** Native API only. */
  readonly responseRemove: readonly string[];
  /** Not yet percent-encoded. */
  readonly querySet: readonly HeaderPair[];
  readonly queryRemove: readonly string[];
}

export const NO_CHANGES: Changes = {
  requestSet: [],
  requestAdd: [],
  requestRemove: [],
  responseSet: [],
  responseAdd: [],
  responseRemove: [],
  querySet: [],
  queryRemove: [],
};

/** How one limit came out. */
export interface LimitResult {
  readonly reference: RuleReference;
  readonly granted: bigint;
  readonly remaining: bigint;
  readonly max: bigint;
  /** Milliseconds; undefined when waiting would not help (`cost` above `max`). */
  readonly retryAfterMs: number | undefined;
  readonly verdict: "allowed" | "limited" | "undecided";
  readonly reason: Reason;
  readonly validity: Validity;
}

export const NOT_REUSABLE: Validity = { forMs: 0, uses: 0, referenced: [] };

/** For how long and how often a client may reuse an answer, for requests equal on `referenced`. */
export interface Validity {
  /** Milliseconds; 0 is not reusable. */
  readonly forMs: number;
  readonly uses: number;
  readonly referenced: readonly ReferencedAttribute[];
}

export interface ReferencedAttribute {
  readonly attribute: string;
  readonly key?: string;
  readonly condition: "exact" | "absent";
}

export interface Decision {
  readonly verdict: Verdict;
  readonly reason: Reason;
  /** Undefined where no rule decided. */
  readonly rule: RuleReference | undefined;
  readonly snapshot: string;
  readonly decisionId: string;
  readonly door: DoorName;
  /** In plain words, for logs and explain; never sent to the refused client. */
  readonly detail: string;
  /** Set exactly when the verdict is not `allowed`. The same object each time where nothing of it depends on the request. */
  readonly response: DirectResponse | undefined;
  readonly changes: Changes;
  readonly limits: readonly LimitResult[];
  readonly validity: Validity;
  /** Microseconds from arrival to decision. */
  readonly tookUs: number;
  /** Values of the snapshot's carried slots, for the doors that send them on. Masked. */
  readonly carried: readonly { readonly name: string; readonly value: Outcome }[];
}
