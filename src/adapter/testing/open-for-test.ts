import type { StandardSchemaV1 } from "@standard-schema/spec";
import { checkConfig } from "../config.ts";
import type { Adapter } from "../define-adapter.ts";
import type { AdapterLog } from "../env.ts";
import type { Handler } from "../handler.ts";
import type { MetricDescriptor, TemplateName } from "../templates.ts";
import { TestClock } from "./test-clock.ts";

/** What is around a handler in a test; everything may be left out. */
export interface TestSurroundings {
  /** The handler's name; `test` when left out. */
  readonly handler?: string;
  /** The metrics that policies send to it; none when left out. */
  readonly metrics?: readonly MetricDescriptor[];
  /** Given on to open a handler anew beside or after another: time goes on, and what was kept is there. */
  readonly memory?: TestMemory;
}

/** What outlives a handler that is opened anew. */
export interface TestMemory {
  /** Stands still until it is told to go on. */
  readonly clock: TestClock;
  /** What `kept` and `shared` made, by name. */
  readonly things: Map<string, unknown>;
}

/** A handler that was opened, with what a test needs to look at it. */
export interface OpenedForTest<Name extends TemplateName> {
  /** What `open` returned: call its methods as Weir would. */
  readonly handler: Handler<Name>;
  /** Its clock and timers: `advance` lets time pass. */
  readonly clock: TestClock;
  /** Hand it to the next `openForTest` to see the handler opened anew. */
  readonly memory: TestMemory;
  /** What the handler logged. */
  readonly lines: readonly TestLogLine[];
  /** As Weir does it: timers end, the signal is aborted, `close` is called. */
  close(): Promise<void>;
}

/** A line that a handler logged, as it said it. */
export interface TestLogLine {
  /** The method of `log` that was called. */
  readonly level: keyof AdapterLog;
  /** The line's words. */
  readonly message: string;
  /** An empty object where the handler gave none. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Opens a handler as Weir would, with a clock that stands still. Rejects when the config is refused, with every issue. */
export async function openForTest<Name extends TemplateName, Schema extends StandardSchemaV1>(
  adapter: Adapter<Name, Schema>,
  written: unknown,
  surroundings: TestSurroundings = {},
): Promise<OpenedForTest<Name>> {
  const checked = await checkConfig(adapter.config, written);
  if (!checked.ok) throw new Error(`the config is refused: ${JSON.stringify(checked.issues)}`);
  const memory = surroundings.memory ?? { clock: new TestClock(), things: new Map<string, unknown>() };
  const { clock } = memory;
  const lines: TestLogLine[] = [];
  const closing = new AbortController();
  const handler = await adapter.open({
    handler: surroundings.handler ?? "test",
    config: checked.config,
    metrics: surroundings.metrics ?? [],
    log: testLog(lines),
    now: clock,
    timers: clock,
    signal: closing.signal,
    shared: (name, bytes) => use(memory, `shared ${name}`, () => new SharedArrayBuffer(bytes)),
    kept: (name, make) => use(memory, `kept ${name}`, make),
  });
  const close = async () => {
    clock.cancelAll();
    closing.abort(new Error("the handler is being closed"));
    await handler.close?.();
  };
  return { handler, clock, memory, lines, close };
}

function use<T>({ things }: TestMemory, key: string, make: () => T): T {
  if (!things.has(key)) things.set(key, make());
  // The adapter's own promise: one name, one type.
  return things.get(key) as T;
}

function testLog(lines: TestLogLine[]): AdapterLog {
  const level =
    (name: keyof AdapterLog) =>
    (message: string, facts: Readonly<Record<string, unknown>> = {}) => {
      lines.push({ level: name, message, facts });
    };
  return { debug: level("debug"), info: level("info"), warn: level("warn"), error: level("error") };
}
