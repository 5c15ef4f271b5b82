import type { AttributeContext } from "#proto/envoy/service/auth/v3/attribute_context";
import { CheckRequest } from "#proto/envoy/service/auth/v3/external_auth";
import { type Mask, maskOf } from "../attribute/mask.ts";
import { type BoundReaders, bindReaders, readerSource } from "../attribute/readers.ts";
import type { Decision } from "../engine/decision.ts";
import type { CheckInput, Engine } from "../engine/engine.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import type { Call, Reply, UnaryDoor } from "../wire/door.ts";
import { lenientReadOptions } from "../wire/lenient.ts";
import { turnedAway, whileAdmitted } from "./admitted.ts";
import type { DoorDeps } from "./door-deps.ts";
import { type Asked, encodeAnswer, encodeBug } from "./ext-authz-answer.ts";
import { AuthRequest, EXT_AUTHZ_READERS, type ExtAuthzSettings, queryOf } from "./ext-authz-attributes.ts";
import { GrantTable } from "./grants.ts";
import { perSnapshot } from "./per-snapshot.ts";

export const EXT_AUTHZ_PATH = "/envoy.service.auth.v3.Authorization/Check";

/**
 * Envoy's ext_authz, HTTP and TCP. Every decision is a message: a denial sent as an RPC status would be an error to Envoy, and
 * `failure_mode_allow` would let it through. For the same reason whatever a message holds is answered by a refusal; the call fails only
 * where the engine cannot work at all.
 */
export function extAuthzDoor(engine: Engine, deps: DoorDeps): UnaryDoor {
  const bindingOf = perSnapshot(bind);
  return {
    kind: "unary",
    path: EXT_AUTHZ_PATH,
    handle(bytes, call) {
      const admission = engine.admit();
      if (!admission.ok) return turnedAway(admission);
      const { snapshot } = admission;
      return whileAdmitted(
        admission,
        () => {
          const exchange = open(bytes, call, snapshot, bindingOf(snapshot), deps);
          const decision = engine.check(snapshot, exchange.input);
          return decision instanceof Promise
            ? decision.then((made) => answer(made, exchange, deps))
            : answer(decision, exchange, deps);
        },
        (error) => {
          deps.events.failed("ext-authz", error);
          return { kind: "message", bytes: encodeBug() };
        },
      );
    },
  };
}

/** What this door works out once for a snapshot. */
interface Binding {
  readonly readers: BoundReaders<AuthRequest>;
  readonly settings: ExtAuthzSettings;
  readonly mask: Mask;
  readonly grants: GrantTable;
}

function bind(snapshot: Snapshot): Binding {
  const door = snapshot.door("ext-authz");
  const { pathParams, mask } = snapshot.plan.settings;
  // Only TCP checks are served without the door: they have no claims.
  const jwt = door?.door === "ext-authz" ? door.jwt : { namespace: "", key: "" };
  return {
    readers: bindReaders(EXT_AUTHZ_READERS, snapshot.slots),
    settings: { jwt, pathParams },
    mask: maskOf(mask),
    grants: new GrantTable(snapshot),
  };
}

/** A Check on its way: what the engine is asked, and what the answer will depend on. */
interface Exchange {
  readonly input: CheckInput;
  readonly asked: Asked;
  readonly mask: Mask;
}

function open(
  bytes: Uint8Array,
  call: Call,
  snapshot: Snapshot,
  binding: Binding,
  { events, limits }: DoorDeps,
): Exchange {
  const { readers, settings, mask } = binding;
  const { check, proxy } = binding.grants.of(call.peer);
  const message = decode(bytes);
  if (message === undefined) events.undecodable("ext-authz");
  const request = new AuthRequest(message ?? EMPTY, call.peer, settings);
  const door = message === undefined || request.http ? "ext-authz" : "ext-authz-tcp";
  const traceparent = request.headers.get("traceparent");
  const input: CheckInput = {
    door,
    source: readerSource(readers, request),
    call,
    withinMs: limits.extAuthzDeadlineMs,
    quotas: [],
    quotaOnly: false,
    deduplicationId: request.http?.id ?? "",
    ...(typeof traceparent === "string" ? { traceparent } : {}),
    ...refusedAtTheDoor(message !== undefined, check && proxy, snapshot.door(door) !== undefined, door),
  };
  return { input, asked: askedBy(request), mask };
}

const EMPTY: AttributeContext = { contextExtensions: [] };

/** @returns undefined for what is no CheckRequest. */
function decode(bytes: Uint8Array): AttributeContext | undefined {
  try {
    return CheckRequest.fromBinary(bytes, lenientReadOptions).attributes ?? EMPTY;
  } catch {
    // The runtime's only way to say that the bytes are no message: an answer, not a failure of ours.
    return undefined;
  }
}

/** An answer for a peer that may not ask, too: a call that failed is one that `failure_mode_allow` lets through. */
function refusedAtTheDoor(
  decoded: boolean,
  granted: boolean,
  enabled: boolean,
  door: string,
): Pick<CheckInput, "refused"> {
  if (!granted)
    return { refused: { reason: "not-granted", detail: "a proxy needs the grants `check` and `assert-source`" } };
  if (!decoded) return { refused: { reason: "undecodable", detail: "the message is no CheckRequest" } };
  return enabled ? {} : { refused: { reason: "door-off", detail: `door \`${door}\` is not enabled` } };
}

function askedBy(request: AuthRequest): Asked {
  const contentType = request.headers.get("content-type");
  return {
    grpc: typeof contentType === "string" && contentType.toLowerCase().startsWith("application/grpc"),
    query: queryOf(request.http?.path ?? ""),
    hasHeader: (name) => typeof request.headers.get(name) !== "symbol",
  };
}

function answer(decision: Decision, { asked, mask }: Exchange, { events }: DoorDeps): Reply {
  const { bytes, leftOut } = encodeAnswer(decision, asked, mask);
  if (leftOut > 0) events.carriedLeftOut(leftOut);
  return { kind: "message", bytes };
}
