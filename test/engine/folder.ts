/** A folder of policies made into a snapshot whose handlers only note what they are given. */
import type { CheckAnswer, ListEntry, QuotaAnswer, QuotaRequest } from "../../src/adapter/templates.ts";
import type { Value } from "../../src/adapter/value.ts";
import { bagSource } from "../../src/attribute/bag.ts";
import type { Held } from "../../src/attribute/entry-map.ts";
import type { CelValue } from "../../src/attribute/value.ts";
import { renderText } from "../../src/diagnostics/render-text.ts";
import { createEngine, type EngineCounters, type RunningEngine } from "../../src/engine/create-engine.ts";
import type { CheckInput } from "../../src/engine/engine.ts";
import { type Examination, examine } from "../../src/engine/examine.ts";
import { Live } from "../../src/engine/live.ts";
import { Reporter } from "../../src/report/reporter.ts";
import type { HandlerSet, ReportBatch } from "../../src/snapshot/handler-set.ts";
import { link } from "../../src/snapshot/link.ts";
import type { Plan } from "../../src/snapshot/plan.ts";
import type { Snapshot } from "../../src/snapshot/snapshot.ts";
import { UNCOUNTED } from "../../src/telemetry/index.ts";

export type Files = Readonly<Record<string, string>>;

/** What a folder is worth, with everything that is wrong with it. */
export function examined(files: Files, id = "test"): Examination {
  const read = Object.entries(files).map(([path, text]) => ({ path, text }));
  return examine({ files: read, id, diagnostics: [], signature: "" });
}

/** Compiles a folder; its errors are an exception here. */
export function planOf(files: Files, id = "test"): Plan {
  const { plan, diagnostics, sources } = examined(files, id);
  if (plan === undefined) throw new Error(renderText(diagnostics, sources));
  return plan;
}

export function snapshotOf(files: Files, handlers: HandlerSet = new NotingHandlers(), id = "test"): Snapshot {
  return link(planOf(files, id), handlers);
}

export interface Delivery {
  readonly handler: string;
  readonly batch: ReportBatch;
}

/** Grants every charge, objects to nothing, keeps what is delivered. */
export class NotingHandlers implements HandlerSet {
  readonly deliveries: Delivery[] = [];
  readonly charges: QuotaRequest[] = [];
  /** What was charged for whom: says when nobody waits for the answer any more. */
  readonly signals: AbortSignal[] = [];
  retired = 0;
  /** What check adapters object to; nothing by default. */
  objectsTo: Value | undefined;
  answer: (value: Value) => CheckAnswer | Promise<CheckAnswer> = (value) =>
    value === this.objectsTo ? { kind: "objection", message: "listed" } : { kind: "no-objection" };
  charge: (request: QuotaRequest) => QuotaAnswer | Promise<QuotaAnswer> = granted;

  deliver(handler: string, batch: ReportBatch): void {
    if (this.retired > 0) throw new Error("delivered to a handler that is closed");
    this.deliveries.push({ handler, batch });
  }
  ask(_handler: string, { value }: ListEntry): CheckAnswer | Promise<CheckAnswer> {
    return this.answer(value);
  }
  quota(): ReturnType<HandlerSet["quota"]> {
    return {
      charge: (request, signal) => {
        this.charges.push(request);
        this.signals.push(signal);
        return this.charge(request);
      },
    };
  }
  async exposition(): Promise<string> {
    return "";
  }
  async retire(): Promise<void> {
    this.retired += 1;
  }
}

function granted({ charges }: QuotaRequest): QuotaAnswer {
  return {
    kind: "granted",
    grants: charges.map(({ amount }) => ({ granted: amount, remaining: 9n, resetAfterMs: 1 })),
  };
}

export type Attributes = Readonly<Record<string, Held>>;

/** A Check on the native door unless `changed` says otherwise. */
export function checkInput(
  snapshot: Snapshot,
  attributes: Attributes,
  changed: Partial<Omit<CheckInput, "source">> = {},
): CheckInput {
  return {
    door: "weir",
    source: bagSource(new Map(Object.entries(attributes)), snapshot.slots),
    call: {
      peer: { address: "127.0.0.1:1", principal: undefined },
      signal: new AbortController().signal,
      arrivedMs: 0,
    },
    quotas: [],
    quotaOnly: false,
    deduplicationId: "",
    ...changed,
  };
}

export interface TestEngine {
  readonly engine: RunningEngine;
  readonly live: Live<Snapshot>;
  readonly reporter: Reporter;
}

export interface EngineChoices {
  readonly maxInFlight?: number;
  readonly counters?: Partial<EngineCounters>;
  /** Wall clock, milliseconds since the epoch. */
  readonly now?: number;
}

/** An engine whose clocks stand still. */
export function engineFor({ maxInFlight = 100, counters = {}, now = 0 }: EngineChoices = {}): TestEngine {
  const live = new Live<Snapshot>();
  const reporter = new Reporter(UNCOUNTED);
  const clock = { monotonicMs: () => 0, epochNanos: () => BigInt(now) * 1_000_000n };
  const engine = createEngine({
    live,
    reporter,
    counters: { ...UNCOUNTED, ...counters },
    clock,
    maxInFlight,
    idPrefix: "t",
  });
  return { engine, live, reporter };
}

/** A map attribute. */
export function mapOf(entries: Readonly<Record<string, CelValue>>): ReadonlyMap<CelValue, CelValue> {
  return new Map(Object.entries(entries));
}
