import type { AttributeSource } from "../attribute/source.ts";
import type { RequestFrame } from "../expression/frame.ts";
import { Conditions } from "../snapshot/conditions.ts";
import type { LinkedRespond } from "../snapshot/linked.ts";
import type { RuleReference } from "../snapshot/plan.ts";
import type { CheckProgram, FrameOptions, Snapshot } from "../snapshot/snapshot.ts";
import { type Changes, type LimitResult, NO_CHANGES, type Reason, type Verdict } from "./decision.ts";
import type { CheckInput } from "./engine.ts";

/** What has been ruled so far; a refusal ends the steps. */
export interface Ruling {
  readonly verdict: Verdict;
  readonly reason: Reason;
  readonly rule: RuleReference | undefined;
  readonly respond: LinkedRespond | undefined;
  readonly detail: string;
  /** Milliseconds; only where a limit refused and waiting helps. */
  readonly retryAfterMs?: number;
}

/** What a request stands at before anything was decided of it: never let through by an oversight. */
const UNDECIDED: Ruling = {
  verdict: "undecided",
  reason: "undecodable",
  rule: undefined,
  respond: undefined,
  detail: "nothing was decided",
};

/** Remembering what was read costs a little: only where some policy on this door lets answers be reused. */
const RECORDING: FrameOptions = { derive: true, record: true };
const PLAIN: FrameOptions = { derive: true, record: false };

const NO_LIMITS: readonly LimitResult[] = [];

/** For what has to happen although nobody waits for it: mostly the call is over before it is answered. */
export function beyondTheCall(): AbortSignal {
  return new AbortController().signal;
}

/** One Check on its way through the steps. */
export class Run {
  readonly snapshot: Snapshot;
  readonly input: CheckInput;
  readonly decisionId: string;
  readonly program: CheckProgram;
  readonly frame: RequestFrame;
  readonly conditions: Conditions;
  ruling: Ruling = UNDECIDED;
  /** An adapter could not be asked, and its rule let the request pass: true of this moment only. */
  guessed = false;
  changes: Changes = NO_CHANGES;
  limits: readonly LimitResult[] = NO_LIMITS;

  constructor(snapshot: Snapshot, input: CheckInput, decisionId: string) {
    this.snapshot = snapshot;
    this.input = input;
    this.decisionId = decisionId;
    this.program = snapshot.checks[input.door];
    this.frame = snapshot.frame(input.source, this.program.cached ? RECORDING : PLAIN);
    this.conditions = new Conditions(this.frame);
  }

  get source(): AttributeSource {
    return this.input.source;
  }

  get refused(): boolean {
    return this.ruling.verdict !== "allowed";
  }

  refuse(
    verdict: Exclude<Verdict, "allowed">,
    reason: Reason,
    rule: RuleReference | undefined,
    detail: string,
    respond?: LinkedRespond,
  ): void {
    this.ruling = { verdict, reason, rule, respond, detail };
  }
}
