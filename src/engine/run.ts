import type { AttributeSource } from "../attribute/source.ts";
import type { RequestFrame } from "../expression/frame.ts";
import { Conditions } from "../snapshot/conditions.ts";
import type { RuleReference } from "../snapshot/plan.ts";
import type { CheckProgram, LinkedRespond, Snapshot } from "../snapshot/snapshot.ts";
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

export interface RunOptions {
  readonly decisionId: string;
  /** Remember what is read, for clients that may reuse the answer. */
  readonly record: boolean;
}

/** One Check on its way through the steps. */
export class Run {
  readonly snapshot: Snapshot;
  readonly input: CheckInput;
  readonly decisionId: string;
  readonly program: CheckProgram;
  readonly frame: RequestFrame;
  readonly conditions: Conditions;
  ruling: Ruling = {
    verdict: "undecided",
    reason: "undecodable",
    rule: undefined,
    respond: undefined,
    detail: "nothing was decided",
  };
  /** An adapter could not be asked, and its rule let the request pass: true of this moment only. */
  guessed = false;
  changes: Changes = NO_CHANGES;
  limits: readonly LimitResult[] = [];

  constructor(snapshot: Snapshot, input: CheckInput, { decisionId, record }: RunOptions) {
    this.snapshot = snapshot;
    this.input = input;
    this.decisionId = decisionId;
    this.program = snapshot.checks[input.door];
    this.frame = snapshot.frame(input.source, { derive: true, record });
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
