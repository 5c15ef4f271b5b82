import { maskOf } from "../attribute/mask.ts";
import type { Decision } from "../engine/decision.ts";
import type { CheckInput, Engine, Refused, RequestedQuota } from "../engine/engine.ts";
import type { DoorName } from "../policy/authored.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import type { Call, Reply, UnaryDoor } from "../wire/door.ts";
import { FieldRanges, readFields } from "../wire/field-reader.ts";
import { turnedAway } from "./admitted.ts";
import type { DoorDeps } from "./door-deps.ts";
import { encodeBug } from "./ext-authz-answer.ts";
import { AuthSource, type BoundAttributes, bindAttributes } from "./ext-authz-attributes.ts";
import { AnswerForms } from "./ext-authz-forms.ts";
import { AuthRequest, type ExtAuthzSettings } from "./ext-authz-request.ts";
import { GrantTable } from "./grants.ts";
import { perSnapshot } from "./per-snapshot.ts";

export const EXT_AUTHZ_PATH = "/envoy.service.auth.v3.Authorization/Check";

/**
 * Envoy's ext_authz, HTTP and TCP. Every decision is a message: a denial sent as an RPC status would be an error to Envoy, and
 * `failure_mode_allow` would let it through. For the same reason whatever a message holds is answered by a refusal; the call fails only
 * where the engine cannot work at all.
 */
export function extAuthzDoor(engine: Engine, deps: DoorDeps): UnaryDoor {
  return new ExtAuthzDoor(engine, deps);
}

class ExtAuthzDoor implements UnaryDoor {
  readonly kind = "unary";
  readonly path = EXT_AUTHZ_PATH;
  readonly #engine: Engine;
  readonly #deps: DoorDeps;
  readonly #bindingOf: (snapshot: Snapshot) => Binding = perSnapshot(bind);

  constructor(engine: Engine, deps: DoorDeps) {
    this.#engine = engine;
    this.#deps = deps;
  }

  handle(bytes: Uint8Array, call: Call): Reply | Promise<Reply> {
    const admission = this.#engine.admit();
    if (!admission.ok) return turnedAway(admission);
    let waiting = false;
    try {
      const { snapshot } = admission;
      const binding = this.#bindingOf(snapshot);
      const check = this.#open(bytes, call, snapshot, binding);
      const decision = this.#engine.check(snapshot, check);
      if (!(decision instanceof Promise)) return this.#answer(decision, check, binding);
      waiting = true;
      return decision
        .then((made) => this.#answer(made, check, binding))
        .catch((error) => this.#failed(error))
        .finally(() => admission.release());
    } catch (error) {
      return this.#failed(error);
    } finally {
      if (!waiting) admission.release();
    }
  }

  #open(bytes: Uint8Array, call: Call, snapshot: Snapshot, binding: Binding): AuthCheck {
    const { attributes, settings, grants } = binding;
    const { limits, events } = this.#deps;
    const tooLarge = bytes.length > limits.maxCheckBytes;
    const sent = tooLarge ? undefined : readFields(attributes.fields.selection, bytes);
    if (sent === undefined && !tooLarge) events.undecodable("ext-authz");
    const request = new AuthRequest(sent ?? binding.nothing, attributes.fields, call.peer, settings);
    const door = sent === undefined || request.isHttp ? "ext-authz" : "ext-authz-tcp";
    const { check, proxy } = grants.of(call.peer);
    const refused = !(check && proxy)
      ? NOT_GRANTED
      : sent === undefined
        ? this.#unread(tooLarge)
        : refusedAt(door, snapshot);
    const source = new AuthSource(attributes, request);
    return new AuthCheck(source, door, call, limits.extAuthzDeadlineMs, refused);
  }

  #unread(tooLarge: boolean): Refused {
    return tooLarge
      ? { reason: "too-large", detail: `the message has more than ${this.#deps.limits.maxCheckBytes} bytes` }
      : { reason: "undecodable", detail: "the message is no CheckRequest" };
  }

  #answer(decision: Decision, { source }: AuthCheck, { forms }: Binding): Reply {
    const { bytes, leftOut } = forms.encode(decision, source.request);
    if (leftOut > 0) this.#deps.events.carriedLeftOut(leftOut);
    return { kind: "message", bytes };
  }

  #failed(error: unknown): Reply {
    this.#deps.events.failed("ext-authz", error);
    return { kind: "message", bytes: encodeBug() };
  }
}

/** What this door works out once for a snapshot. */
interface Binding {
  readonly attributes: BoundAttributes;
  /** What stands for a message that was not read. */
  readonly nothing: FieldRanges;
  readonly settings: ExtAuthzSettings;
  readonly grants: GrantTable;
  readonly forms: AnswerForms;
}

function bind(snapshot: Snapshot): Binding {
  const door = snapshot.door("ext-authz");
  const { pathParams, mask } = snapshot.plan.settings;
  // Only TCP checks are served without the door: they have no claims.
  const jwt = door?.door === "ext-authz" ? door.jwt : { namespace: "", key: "" };
  const attributes = bindAttributes(snapshot.slots, jwt.namespace);
  return {
    attributes,
    nothing: new FieldRanges(Buffer.alloc(0), attributes.fields.selection.slots),
    settings: { jwt, pathParams },
    grants: new GrantTable(snapshot),
    forms: new AnswerForms(maskOf(mask)),
  };
}

const NO_QUOTAS: readonly RequestedQuota[] = [];

/** A Check on its way. What nobody asks for is not read. */
class AuthCheck implements CheckInput {
  readonly source: AuthSource;
  readonly door: DoorName;
  readonly call: Call;
  readonly withinMs: number;
  readonly refused: Refused | undefined;

  constructor(source: AuthSource, door: DoorName, call: Call, withinMs: number, refused: Refused | undefined) {
    this.source = source;
    this.door = door;
    this.call = call;
    this.withinMs = withinMs;
    this.refused = refused;
  }

  get quotas(): readonly RequestedQuota[] {
    return NO_QUOTAS;
  }

  get quotaOnly(): boolean {
    return false;
  }

  get deduplicationId(): string {
    return this.source.request.text("id");
  }

  get traceparent(): string | undefined {
    const traceparent = this.source.request.header("traceparent");
    return typeof traceparent === "string" ? traceparent : undefined;
  }
}

/** An answer for a peer that may not ask, too: a call that failed is one that `failure_mode_allow` lets through. */
const NOT_GRANTED: Refused = {
  reason: "not-granted",
  detail: "a proxy needs the grants `check` and `assert-source`",
};

function refusedAt(door: DoorName, snapshot: Snapshot): Refused | undefined {
  return snapshot.door(door) === undefined
    ? { reason: "door-off", detail: `door \`${door}\` is not enabled` }
    : undefined;
}
