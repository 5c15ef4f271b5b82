import type { AdapterLog } from "../../src/adapter/env.ts";
import type { LogEntry } from "../../src/adapter/templates.ts";
import type { HandlerHost, HandlerSet, HandlerSpec } from "../../src/adapter-host/host.ts";
import { createHandlerHost, type HostLimits } from "../../src/adapter-host/index.ts";
import { ManualClock } from "./manual-clock.ts";

export interface TestHost {
  readonly host: HandlerHost;
  readonly clock: ManualClock;
  readonly lines: readonly {
    readonly level: string;
    readonly message: string;
    readonly facts: Readonly<Record<string, unknown>>;
  }[];
  /** Opens handlers that must open. */
  open(...specs: readonly HandlerSpec[]): Promise<HandlerSet>;
}

/** A host whose adapters are the given values, by the name that `adapter:` has. */
export function testHost(adapters: Readonly<Record<string, unknown>>, limits: Partial<HostLimits> = {}): TestHost {
  const clock = new ManualClock();
  const lines: { level: string; message: string; facts: Readonly<Record<string, unknown>> }[] = [];
  const level =
    (name: string): AdapterLog["info"] =>
    (message, facts = {}) =>
      void lines.push({ level: name, message, facts });
  const host = createHandlerHost({
    resolve: async (adapter) => ({ ok: true, module: { default: adapters[adapter] } }),
    log: { debug: level("debug"), info: level("info"), warn: level("warn"), error: level("error") },
    clock,
    limits,
  });
  const open = async (...specs: readonly HandlerSpec[]) => {
    const set = await host.open(specs);
    if ("issues" in set) throw new Error(set.issues.map(({ message }) => message).join("; "));
    return set;
  };
  return { host, clock, lines, open };
}

/** A handler as a plan has it. `adapter` and `handler` have one name unless told otherwise. */
export function handlerSpec(name: string, changes: Partial<HandlerSpec> = {}): HandlerSpec {
  const spec = {
    name,
    adapter: name,
    config: undefined,
    queue: { records: 100, onFull: "drop-oldest" as const },
    metrics: [],
    uses: [],
    ...changes,
  };
  return { ...spec, signature: JSON.stringify(spec) };
}

export function logEntries(count: number, from = 0): readonly LogEntry[] {
  return Array.from({ length: count }, (_, index) => ({
    rule: "policy/rule",
    timeNanos: 0n,
    severity: "info",
    message: `${from + index}`,
    variables: Object.create(null),
  }));
}
