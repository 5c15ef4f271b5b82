/** Small stand-ins for what front doors talk to: an engine that answers what a test wants, and snapshots of nothing but slots. */
import { readFileSync } from "node:fs";
import type { AttributeSource } from "../../src/attribute/source.ts";
import { parseType } from "../../src/attribute/type.ts";
import type { Outcome } from "../../src/attribute/value.ts";
import { lookup, suppliedBy, VOCABULARY } from "../../src/attribute/vocabulary.ts";
import { type Decision, NO_CHANGES, NOT_REUSABLE } from "../../src/engine/decision.ts";
import type { Admission, CheckInput, Engine } from "../../src/engine/engine.ts";
import type { DoorName } from "../../src/policy/authored.ts";
import type { ReportRecord } from "../../src/report/record.ts";
import type { DoorDeps } from "../../src/server/door-deps.ts";
import { ReportIds } from "../../src/server/report-ids.ts";
import type { DoorPlan, PeerPlan, SlotPlan } from "../../src/snapshot/plan.ts";
import type { Snapshot } from "../../src/snapshot/snapshot.ts";
import type { Call, OpenStream, Reply } from "../../src/wire/door.ts";
import { WIRE_LIMITS } from "../../src/wire/limits.ts";

const DOOR_PLANS: readonly DoorPlan[] = [
  { door: "weir", requires: [] },
  { door: "ext-authz", jwt: { namespace: "envoy.filters.http.jwt_authn", key: "jwt" } },
  { door: "ext-authz-tcp" },
  { door: "access-log" },
];

export interface SnapshotOptions {
  readonly slots?: readonly SlotPlan[];
  readonly off?: readonly DoorName[];
  readonly mask?: readonly string[];
  readonly pathParams?: "refuse" | "keep";
  readonly peers?: readonly PeerPlan[];
  /** `policy/limit`, with `on-request` or not. */
  readonly limits?: readonly { readonly rule: string; readonly onRequest: boolean }[];
  readonly id?: string;
}

/** By default a snapshot that reads every attribute there is. */
export function fakeSnapshot(options: SnapshotOptions = {}): Snapshot {
  const plans = options.slots ?? VOCABULARY.map(({ name, type }) => ({ name, type: parseType(type), carried: false }));
  const doors = DOOR_PLANS.filter(({ door }) => !options.off?.includes(door));
  const limits = (options.limits ?? []).map(({ rule, onRequest }) => ({
    plan: { onRequest, reference: { rule, file: "p.yaml", line: 1 } },
  }));
  const settings = {
    unmatched: "deny",
    doors,
    pathParams: options.pathParams ?? "refuse",
    mask: options.mask ?? [],
    ...(options.peers && { peers: options.peers }),
  } as const;
  const { id = "snapshot-1" } = options;
  const parts = {
    id,
    plan: { id, settings, slots: plans, handlers: [], policies: [] },
    slots: plans.map(({ name }, slot) => ({ slot, name })),
    door: (name: DoorName) => doors.find(({ door }) => door === name),
    checks: { weir: { rules: [], asks: [], changes: [], limits } },
  };
  // A door reads no more of a snapshot than this.
  return parts as unknown as Snapshot;
}

export type Decide = (snapshot: Snapshot, input: CheckInput) => Decision | Promise<Decision>;

export class FakeEngine implements Engine {
  snapshot: Snapshot;
  #watch: (snapshot: string) => void = () => undefined;
  readonly checks: CheckInput[] = [];
  readonly records: ReportRecord[] = [];
  turnAway: Extract<Admission, { ok: false }>["why"] | undefined;
  reportAnswer: "queued" | "overloaded" = "queued";
  /** Admitted and not released. */
  held = 0;
  readonly #decide: Decide;

  constructor(snapshot: Snapshot, decide: Decide = () => decision()) {
    this.snapshot = snapshot;
    this.#decide = decide;
  }

  admit(): Admission {
    if (this.turnAway) return { ok: false, why: this.turnAway };
    this.held++;
    return { ok: true, snapshot: this.snapshot, release: () => void this.held-- };
  }

  check(snapshot: Snapshot, input: CheckInput): Decision | Promise<Decision> {
    this.checks.push(input);
    return this.#decide(snapshot, input);
  }

  report(_snapshot: Snapshot, records: readonly ReportRecord[]): "queued" | "overloaded" {
    if (this.reportAnswer === "queued") this.records.push(...records);
    return this.reportAnswer;
  }

  watchSnapshot(listener: (snapshot: string) => void): void {
    listener(this.snapshot.id);
    this.#watch = listener;
  }

  /** From now on requests are admitted to this one. */
  switch(snapshot: Snapshot): void {
    this.snapshot = snapshot;
    this.#watch(snapshot.id);
  }
}

export function decision(changed: Partial<Decision> = {}): Decision {
  return {
    verdict: "allowed",
    reason: "rule",
    rule: { rule: "shop/readers", file: "shop.yaml", line: 7 },
    snapshot: "snapshot-1",
    decisionId: "d-1",
    door: "ext-authz",
    detail: "",
    response: undefined,
    changes: NO_CHANGES,
    limits: [],
    validity: NOT_REUSABLE,
    tookUs: 120,
    carried: [],
    ...changed,
  };
}

/** What was counted, as `what door detail count`. */
export class FakeEvents {
  readonly seen: string[] = [];
  readonly errors: unknown[] = [];

  undecodable(door: DoorName): void {
    this.seen.push(`undecodable ${door}`);
  }
  skippedEntries(type: string, count: number): void {
    this.seen.push(`skipped ${type} ${count}`);
  }
  droppedRecords(door: DoorName, why: string, count: number): void {
    this.seen.push(`dropped ${door} ${why} ${count}`);
  }
  carriedLeftOut(count: number): void {
    this.seen.push(`left out ${count}`);
  }
  failed(door: DoorName, error: unknown): void {
    this.seen.push(`failed ${door}`);
    this.errors.push(error);
  }
}

export function fakeDeps(): DoorDeps & { readonly events: FakeEvents } {
  return {
    events: new FakeEvents(),
    claims: new ReportIds(() => 5_000),
    epochNanos: () => 1_000_000_000_000_000_000n,
    monotonicMs: () => 5_000,
    limits: WIRE_LIMITS,
  };
}

export function fakeCall(peer: Partial<Call["peer"]> = {}): Call {
  return {
    peer: { address: "127.0.0.1:53211", principal: undefined, local: true, ...peer },
    deadlineMs: undefined,
    signal: new AbortController().signal,
    metadata: () => undefined,
    arrivedMs: 4_999,
  };
}

/** A stream whose client reads everything. What is done after a turn is done when the test says that it is over. */
export class FakeStream implements OpenStream {
  readonly sent: Uint8Array[] = [];
  closed: Reply | undefined;
  paused = false;
  /** What `send` answers. */
  reads = true;
  #afterTurn: (() => void)[] = [];

  send(message: Uint8Array): boolean {
    this.sent.push(message);
    return this.reads;
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  afterTurn(work: () => void): void {
    this.#afterTurn.push(work);
  }
  close(reply: Reply): void {
    this.closed = reply;
  }
  /** The turn is over. */
  turn(): void {
    const works = this.#afterTurn;
    this.#afterTurn = [];
    for (const work of works) work();
  }
}

/** Every attribute that a door's source has a value or an error for, by name; read whole, and by key for maps. */
export function everything(source: AttributeSource, snapshot: Snapshot): Map<string, Outcome> {
  const values = new Map<string, Outcome>();
  for (const { slot, name } of snapshot.slots) {
    const value = source.read(slot);
    if (typeof value !== "symbol") values.set(name, value);
    if (value instanceof Map) for (const key of value.keys()) source.readKey(slot, String(key));
    source.readKey(slot, "constructor");
    source.entries(slot);
  }
  return values;
}

/** The names of attributes whose reading a door must have, from the tables. */
export function namesOf(...doors: readonly ("ext-authz" | "ext-authz-tcp" | "access-log")[]): readonly string[] {
  return [...new Set(doors.flatMap((door) => suppliedBy(door)))].sort();
}

export function slotOf(name: string, snapshot: Snapshot): number {
  const slot = snapshot.slots.find((one) => one.name === name)?.slot;
  if (slot === undefined || lookup(name) === undefined) throw new Error(`no attribute ${name}`);
  return slot;
}

export function bytesOf(reply: Reply): Uint8Array {
  if (reply.kind !== "message") throw new Error(`status ${reply.code}: ${reply.message}`);
  return reply.bytes;
}

export interface Recorded<T> {
  readonly case: string;
  readonly what: string;
  readonly bytes: Uint8Array;
  /** The message as somebody else printed it. */
  readonly json: T;
  readonly invalidUtf8: boolean;
}

/** @typeParam T what the test reads of the recorded JSON */
export function recorded<T>(file: "ext_authz" | "als"): readonly Recorded<T>[] {
  const lines = readFileSync(new URL(`../data/envoy-1.40.0/${file}.ndjson`, import.meta.url), "utf8")
    .trim()
    .split("\n");
  return lines.map((line) => {
    // The shape of a line stands in the README beside the recording.
    const row = JSON.parse(line) as { case: string; what: string; base64: string; json: T; invalid_utf8?: unknown };
    const bytes = new Uint8Array(Buffer.from(row.base64, "base64"));
    return { case: row.case, what: row.what, bytes, json: row.json, invalidUtf8: row.invalid_utf8 !== undefined };
  });
}
