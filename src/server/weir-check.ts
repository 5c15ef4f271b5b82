import { CheckRequest, type QuotaRequest } from "#proto/weir/v1/check";
import { bagSource } from "../attribute/bag.ts";
import type { CheckInput, Engine, RequestedQuota } from "../engine/engine.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { type Call, type Reply, STATUS, type StatusCode, type UnaryDoor } from "../wire/door.ts";
import { lenientReadOptions } from "../wire/lenient.ts";
import { turnedAway, whileAdmitted } from "./admitted.ts";
import type { DoorDeps } from "./door-deps.ts";
import { GrantTable } from "./grants.ts";
import { perSnapshot } from "./per-snapshot.ts";
import { encodeDecision } from "./weir-answer.ts";
import { admitBag, bagOfAttributes, declaredTypes, textIn } from "./weir-attributes.ts";

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
  const boundOf = perSnapshot(bind);
  return (bytes, call) => {
    const admission = engine.admit();
    if (!admission.ok) return turnedAway(admission);
    const { snapshot } = admission;
    return whileAdmitted(
      admission,
      () => {
        const opened = open(bytes, call, snapshot, boundOf(snapshot), deps);
        if ("kind" in opened) return opened;
        const decision = engine.check(snapshot, opened);
        return decision instanceof Promise
          ? decision.then((made) => message(encodeDecision(made, opened.quotas)))
          : message(encodeDecision(decision, opened.quotas));
      },
      (error) => {
        deps.events.failed("weir", error);
        return fail(STATUS.internal, "a bug of the engine's, which has been logged");
      },
    );
  };
}

/** What this door works out once for a snapshot. */
interface Bound {
  readonly declared: ReturnType<typeof declaredTypes>;
  readonly grants: GrantTable;
}

function bind(snapshot: Snapshot): Bound {
  return { declared: declaredTypes(snapshot), grants: new GrantTable(snapshot) };
}

function message(bytes: Uint8Array): Reply {
  return { kind: "message", bytes };
}

function fail(code: StatusCode, text: string): Extract<Reply, { kind: "status" }> {
  return { kind: "status", code, message: text };
}

type Failure = ReturnType<typeof fail>;

function open(
  bytes: Uint8Array,
  call: Call,
  snapshot: Snapshot,
  { declared, grants: table }: Bound,
  { events, limits }: DoorDeps,
): CheckInput | Failure {
  const request = decode(bytes);
  if (request === undefined) {
    events.undecodable("weir");
    return fail(STATUS.invalidArgument, "the message is no weir.v1.CheckRequest");
  }
  const grants = table.of(call.peer);
  if (!grants.check) return fail(STATUS.permissionDenied, "to ask needs the grant `check`");
  if (request.quotaOnly && !grants.quotaOnly)
    return fail(STATUS.permissionDenied, "`quota_only` needs the grant `check`");
  const quotas = quotasOf(request.quotas, snapshot);
  if ("kind" in quotas) return quotas;
  const sent = bagOfAttributes(request.attributes);
  const { pathParams } = snapshot.plan.settings;
  const admitted = sent.ok ? admitBag(sent.bag, { use: "check", grants, peer: call.peer, declared, pathParams }) : sent;
  if (!admitted.ok) return fail(STATUS.invalidArgument, admitted.problem);
  const traceparent = textIn(admitted.bag, "request.headers", "traceparent");
  return {
    door: "weir",
    source: bagSource(admitted.bag, snapshot.slots),
    call,
    withinMs: limits.weirDeadlineMs,
    quotas: quotas.requested,
    quotaOnly: request.quotaOnly,
    deduplicationId: request.deduplicationId,
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(snapshot.door("weir") ? {} : { refused: { reason: "door-off", detail: "door `weir` is not enabled" } }),
  };
}

/** @returns undefined for what is no CheckRequest. */
function decode(bytes: Uint8Array): CheckRequest | undefined {
  try {
    return CheckRequest.fromBinary(bytes, lenientReadOptions);
  } catch {
    // The runtime's only way to say that the bytes are no message: the caller is told.
    return undefined;
  }
}

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
