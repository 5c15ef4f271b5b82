import type { QuotaRequest } from "#proto/weir/v1/check";
import type { Decision } from "../engine/decision.ts";
import type { CheckInput, Engine, Refused, RequestedQuota } from "../engine/engine.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { type Call, type Peer, type Reply, STATUS, type StatusCode, type UnaryDoor } from "../wire/door.ts";
import { turnedAway } from "./admitted.ts";
import { decodeCheck, nothingSent, type SentAttributes, type SentCheck } from "./check-decoder.ts";
import { CheckReader } from "./check-reader.ts";
import { CheckTable } from "./check-table.ts";
import type { DoorDeps, DoorLimits } from "./door-deps.ts";
import { type Grants, GrantTable } from "./grants.ts";
import { perSnapshot } from "./per-snapshot.ts";
import { declaredTypes } from "./weir-attributes.ts";
import { DecisionForms } from "./weir-forms.ts";

const WEIR_CHECK_PATH = "/weir.v1.Weir/Check";

/** Quotas that one Check may ask for. */
export const MAX_REQUESTED_QUOTAS = 100;

/** The native API's Check. */
export function weirCheckDoor(check: NativeCheck): UnaryDoor {
  return { kind: "unary", path: WEIR_CHECK_PATH, handle: check };
}

/**
 * From the bytes of a CheckRequest to those of its CheckResponse. A refusal is an answer; a status says that the caller is mistaken, may not
 * ask, or the engine cannot work.
 */
export type NativeCheck = (bytes: Uint8Array, call: Call) => Reply | Promise<Reply>;

/** What a Check is, whether it came alone or on a stream. */
export function nativeCheck(engine: Engine, deps: DoorDeps): NativeCheck {
  const boundOf = perSnapshot((snapshot) => bind(snapshot, deps.limits));
  const failed = (error: unknown): Reply => {
    deps.events.failed("weir", error);
    return fail(STATUS.internal, "a bug of the engine's, which has been logged");
  };
  return (bytes, call) => {
    const admission = engine.admit();
    if (!admission.ok) return turnedAway(admission);
    let waiting = false;
    try {
      const { snapshot } = admission;
      const bound = boundOf(snapshot);
      const opened = open(bytes, call, bound, deps);
      if ("kind" in opened) return opened;
      const decision = engine.check(snapshot, opened);
      if (!(decision instanceof Promise)) return answer(decision, opened, bound);
      waiting = true;
      return decision
        .then((made) => answer(made, opened, bound))
        .catch(failed)
        .finally(() => admission.release());
    } catch (error) {
      return failed(error);
    } finally {
      if (!waiting) admission.release();
    }
  };
}

/** What this door works out once for a snapshot. */
interface Bound {
  readonly snapshot: Snapshot;
  readonly declared: ReturnType<typeof declaredTypes>;
  readonly grants: GrantTable;
  readonly reader: CheckReader;
  readonly forms: DecisionForms;
  readonly refused: Refused | undefined;
}

function bind(snapshot: Snapshot, { maxAttributes }: DoorLimits): Bound {
  const { pathParams } = snapshot.plan.settings;
  return {
    snapshot,
    declared: declaredTypes(snapshot),
    grants: new GrantTable(snapshot),
    reader: new CheckReader({ table: new CheckTable(snapshot), maxAttributes, pathParams }),
    forms: new DecisionForms(),
    refused: snapshot.door("weir") ? undefined : DOOR_OFF,
  };
}

function answer(decision: Decision, { quotas }: NativeInput, { forms }: Bound): Reply {
  return { kind: "message", bytes: forms.encode(decision, quotas) };
}

function fail(code: StatusCode, text: string): Extract<Reply, { kind: "status" }> {
  return { kind: "status", code, message: text };
}

type Failure = ReturnType<typeof fail>;

function open(bytes: Uint8Array, call: Call, bound: Bound, { events, limits }: DoorDeps): NativeInput | Failure {
  const grants = bound.grants.of(call.peer);
  const isTooLarge = bytes.length > limits.maxCheckBytes;
  const sent = isTooLarge ? nothingSent(bound.snapshot.slots) : readCheck(bytes, call.peer, grants, bound, limits);
  if (sent === undefined) {
    events.undecodable("weir");
    return fail(STATUS.invalidArgument, "the message is no weir.v1.CheckRequest");
  }
  if (!grants.check) return fail(STATUS.permissionDenied, "to ask needs the grant `check`");
  if (sent.quotaOnly && !grants.quotaOnly) return fail(STATUS.permissionDenied, "`quota_only` needs the grant `check`");
  const quotas = sent.quotas.length === 0 ? NO_QUOTAS : quotasOf(sent.quotas, bound.snapshot);
  if ("kind" in quotas) return quotas;
  if (sent.problem !== undefined) return fail(STATUS.invalidArgument, sent.problem);
  const refused = isTooLarge ? tooLarge(limits) : bound.refused;
  return new NativeInput(call, sent, quotas.requested, limits.weirDeadlineMs, refused);
}

/** Nearly every message is read where it stands; one that is written in an unusual way, or is to be refused, is decoded. */
function readCheck(
  bytes: Uint8Array,
  peer: Peer,
  grants: Grants,
  { snapshot, declared, reader }: Bound,
  { maxAttributes }: DoorLimits,
): SentCheck | undefined {
  const read = reader.read(bytes, peer, grants);
  if (read !== undefined) return read;
  const { slots, plan } = snapshot;
  return decodeCheck(bytes, { peer, grants, declared, slots, maxAttributes, pathParams: plan.settings.pathParams });
}

const DOOR_OFF: Refused = { reason: "door-off", detail: "door `weir` is not enabled" };

function tooLarge({ maxCheckBytes }: DoorLimits): Refused {
  return { reason: "too-large", detail: `the message has more than ${maxCheckBytes} bytes` };
}

/** A Check on its way. */
class NativeInput implements CheckInput {
  readonly door = "weir";
  readonly source: SentAttributes;
  readonly call: Call;
  readonly quotas: readonly RequestedQuota[];
  readonly quotaOnly: boolean;
  readonly deduplicationId: string;
  readonly withinMs: number;
  readonly refused: Refused | undefined;

  constructor(
    call: Call,
    { attributes, quotaOnly, deduplicationId }: SentCheck,
    quotas: readonly RequestedQuota[],
    withinMs: number,
    refused: Refused | undefined,
  ) {
    this.source = attributes;
    this.call = call;
    this.quotas = quotas;
    this.quotaOnly = quotaOnly;
    this.deduplicationId = deduplicationId;
    this.withinMs = withinMs;
    this.refused = refused;
  }

  get traceparent(): string | undefined {
    return this.source.textHeader("traceparent");
  }
}

const NO_QUOTAS: { readonly requested: readonly RequestedQuota[] } = { requested: [] };

/** A quota is asked for by the name of a limit with `on-request: true`; the others are charged by every check they apply to. */
function quotasOf(
  asked: readonly QuotaRequest[],
  snapshot: Snapshot,
): { readonly requested: readonly RequestedQuota[] } | Failure {
  if (asked.length > MAX_REQUESTED_QUOTAS) {
    return fail(STATUS.invalidArgument, `${asked.length} quotas, and at most ${MAX_REQUESTED_QUOTAS} are taken`);
  }
  const requested = new Map<string, RequestedQuota>();
  for (const { name, amount, bestEffort } of asked) {
    const limit = snapshot.checks.weir.limits.find(({ plan }) => plan.reference.rule === name);
    if (limit === undefined) return fail(STATUS.invalidArgument, `no limit on this door is called \`${name}\``);
    if (!limit.plan.onRequest)
      return fail(
        STATUS.invalidArgument,
        `limit \`${name}\` is charged by every check it applies to: it has no \`on-request: true\``,
      );
    if (requested.has(name)) return fail(STATUS.invalidArgument, `quota \`${name}\` is asked for twice`);
    requested.set(name, { name, amount: amount ?? 1n, bestEffort });
  }
  return { requested: [...requested.values()] };
}
