import { createHandlerHost, createModuleSource, type HostClock } from "../../src/adapter-host/index.ts";
import { bagSource } from "../../src/attribute/bag.ts";
import type { CelValue } from "../../src/attribute/value.ts";
import { renderText } from "../../src/diagnostics/render-text.ts";
import { createEngine } from "../../src/engine/create-engine.ts";
import type { Decision, HeaderPair } from "../../src/engine/decision.ts";
import { examine } from "../../src/engine/examine.ts";
import { Live } from "../../src/engine/live.ts";
import { Reporter } from "../../src/report/reporter.ts";
import { link } from "../../src/snapshot/link.ts";
import type { Snapshot } from "../../src/snapshot/snapshot.ts";
import { SILENT, UNCOUNTED } from "../../src/telemetry/index.ts";

/** A file of test/check: a folder of policies, requests in order, and what each is answered. */
export interface CaseFile {
  readonly about: string;
  readonly files: Readonly<Record<string, string>>;
  readonly requests: readonly CaseRequest[];
}

export interface CaseRequest {
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly quotas?: readonly { readonly name: string; readonly amount: number; readonly "best-effort"?: boolean }[];
  readonly "quota-only"?: boolean;
  /** Seconds that pass before the request: `60s`. */
  readonly after?: string;
  readonly expect: Readonly<Record<string, unknown>>;
}

/** A decision as the files spell it. */
export interface CaseAnswer {
  readonly verdict: string;
  readonly reason: string;
  readonly rule: string | undefined;
  /** In plain words, for logs. */
  readonly detail: string;
  readonly response: unknown;
  readonly changes: Readonly<Record<string, unknown>>;
  readonly limits: Readonly<Record<string, string>>;
  readonly granted: Readonly<Record<string, number>>;
}

export interface OpenCase {
  readonly snapshot: Snapshot;
  check(request: CaseRequest): Promise<CaseAnswer>;
  close(): Promise<void>;
}

/** Compiles, links and opens a folder on the native door, with a clock that stands still unless a request says otherwise. */
export async function openCase(files: CaseFile["files"]): Promise<OpenCase> {
  const clock = new StandingClock();
  const read = Object.entries(files).map(([path, text]) => ({ path, text }));
  const { plan, diagnostics, sources } = examine({ files: read, id: "case", diagnostics: [], signature: "" });
  if (plan === undefined) throw new Error(renderText(diagnostics, sources));
  const resolve = createModuleSource({ folder: import.meta.dirname });
  const host = createHandlerHost({ resolve, log: SILENT, clock });
  const handlers = await host.open(plan.handlers);
  if ("issues" in handlers) throw new Error(JSON.stringify(handlers.issues));
  const snapshot = link(plan, handlers);
  const live = new Live<Snapshot>();
  await live.swap(snapshot);
  const reporter = new Reporter(UNCOUNTED);
  const engine = createEngine({ live, reporter, counters: UNCOUNTED, clock, maxInFlight: 10, idPrefix: "case" });
  return {
    snapshot,
    async check(request) {
      clock.pass(Number.parseInt(request.after ?? "0", 10) * 1000);
      const bag = new Map(Object.entries(request.attributes).map(([name, value]) => [name, celValue(value)]));
      const decision = await engine.check(snapshot, {
        door: "weir",
        source: bagSource(bag, snapshot.slots),
        call: {
          peer: { address: "127.0.0.1:1", principal: undefined },
          signal: new AbortController().signal,
          arrivedMs: clock.monotonicMs(),
        },
        quotas: (request.quotas ?? []).map((quota) => ({
          name: quota.name,
          amount: BigInt(quota.amount),
          bestEffort: quota["best-effort"] ?? false,
        })),
        quotaOnly: request["quota-only"] ?? false,
        deduplicationId: "",
      });
      return spelled(decision);
    },
    close: () => host.close(0),
  };
}

class StandingClock implements HostClock {
  #ms = 1_000_000;
  pass(ms: number): void {
    this.#ms += ms;
  }
  epochNanos(): bigint {
    return BigInt(this.#ms) * 1_000_000n;
  }
  monotonicMs(): number {
    return this.#ms;
  }
  after(): () => void {
    return () => undefined;
  }
  soon(task: () => void): void {
    setImmediate(task);
  }
}

function celValue(value: unknown): CelValue {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(celValue);
  return new Map(Object.entries(Object(value)).map(([key, entry]) => [key, celValue(entry)]));
}

function spelled(decision: Decision): CaseAnswer {
  const { verdict, reason, rule, response, changes, limits } = decision;
  const named = Object.entries(changes).filter(([, value]) => value.length > 0);
  return {
    verdict,
    reason,
    rule: rule && `${rule.rule} ${rule.file}:${rule.line}`,
    detail: decision.detail,
    response: response && {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: response.body,
    },
    changes: Object.fromEntries(named.map(([name, value]) => [name, spelledChange(value)])),
    limits: Object.fromEntries(
      limits.map((limit) => [limit.reference.rule, `${limit.remaining} of ${limit.max} left`]),
    ),
    granted: Object.fromEntries(limits.map((limit) => [limit.reference.rule, Number(limit.granted)])),
  };
}

function spelledChange(value: readonly (string | HeaderPair)[]): unknown {
  const pairs = value.filter((entry): entry is HeaderPair => typeof entry !== "string");
  return pairs.length > 0 ? Object.fromEntries(pairs) : [...value].sort();
}
