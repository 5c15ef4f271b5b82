import type { AttributeSource, SlotSpec } from "../attribute/source.ts";
import type { RequestFrame } from "../expression/frame.ts";
import type { SharedParts } from "../expression/shared-parts.ts";
import type { DoorName } from "../policy/authored.ts";
import type { CheckIndexes } from "./check-indexes.ts";
import type { HandlerSet } from "./handler-set.ts";
import type { CheckRules, LinkedPolicy, LinkedReport } from "./linked.ts";
import type { DoorPlan, PlanFrame } from "./plan.ts";

/**
 * What request time reads: a Plan linked to closures, frozen. One snapshot serves a request from its first byte to its answer, however
 * often the policies change meanwhile.
 */
export interface Snapshot {
  readonly id: string;
  /** What of its plan request time reads: no tree of a policy is kept. */
  readonly plan: Pick<PlanFrame, "settings" | "slots">;
  /** In the order of their files. */
  readonly policies: readonly PolicyProgram[];
  /** What the expressions of its policies have in common: the next snapshot's may have it in common with them. */
  readonly parts: SharedParts;
  /** Attributes to bind readers for, in slot order; derived slots stand among them. */
  readonly slots: readonly SlotSpec[];
  /** Slots whose values travel with a decision to the access log. */
  readonly carried: readonly SlotSpec[];
  /** Slots that a native Check must have. */
  readonly required: readonly SlotSpec[];
  /** @returns a fresh view of one request. `derive: false` reads derived attributes from the source (the access log carries them). */
  frame(source: AttributeSource, options: FrameOptions): RequestFrame;
  /** @returns the settings of a door, undefined when it is off. */
  door(name: DoorName): DoorPlan | undefined;
  readonly handlers: HandlerSet;
  /** The check and quota side of each door, ready to be decided. */
  readonly checks: Readonly<Record<DoorName, CheckProgram>>;
  /** By what they are of. */
  readonly reports: { readonly request: readonly LinkedReport[]; readonly decision: readonly LinkedReport[] };
}

export interface FrameOptions {
  readonly derive: boolean;
  /** Remember every attribute and map key read: costs a little, so only where an answer may be cached. */
  readonly record: boolean;
  /** Show what `mask:` names as masked, and what is derived from it as derived from that: for whatever leaves us. */
  readonly masked?: boolean;
}

/** What is evaluated for one Check on one door, in authored order. */
export interface CheckProgram extends CheckRules {
  /** The same, to be found by what a request is. */
  readonly indexes: CheckIndexes;
  /** Some policy on this door lets clients reuse answers. */
  readonly cached: boolean;
  /** Some rule is only tried. */
  readonly shadows: boolean;
}

/**
 * One policy linked. Snapshots share it as long as the policy and the numbers of its slots stay the same, so that an edit of one policy does
 * not link the others again.
 */
export interface PolicyProgram {
  /** Of the packed policy; undefined where it never was packed. */
  readonly digest: string | undefined;
  readonly policy: LinkedPolicy;
  readonly check: CheckRules;
  readonly reports: Snapshot["reports"];
}
