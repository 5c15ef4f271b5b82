import { createHandlerHost, createModuleSource } from "../../../src/adapter-host/index.ts";
import { createEngine } from "../../../src/engine/create-engine.ts";
import { InlineCompiler } from "../../../src/engine/folder-compiler.ts";
import { Live } from "../../../src/engine/live.ts";
import { LivePublisher } from "../../../src/engine/publisher.ts";
import { startRuntime } from "../../../src/engine/runtime.ts";
import { systemClock } from "../../../src/engine/system-clock.ts";
import { DirectoryStore } from "../../../src/policy/store.ts";
import { Reporter } from "../../../src/report/reporter.ts";
import { openDoors } from "../../../src/server/doors.ts";
import { ReportIds } from "../../../src/server/report-ids.ts";
import type { Snapshot } from "../../../src/snapshot/snapshot.ts";
import { createMetrics, SILENT } from "../../../src/telemetry/index.ts";
import type { UnaryDoor } from "../../../src/wire/door.ts";
import { WIRE_LIMITS } from "../../../src/wire/limits.ts";

export interface ServingDoors extends AsyncDisposable {
  /** @param path the full gRPC path */
  unary(path: string): UnaryDoor;
}

/** Everything that `weir serve` puts behind its doors, its own metrics included, and no listener in front of them. */
export async function serveDoors(folder: string): Promise<ServingDoors> {
  const metrics = createMetrics({ log: SILENT, now: () => Date.now(), version: "bench", process: false });
  const { epochNanos, monotonicMs } = systemClock();
  const live = new Live<Snapshot>();
  const reporter = new Reporter(metrics);
  const runtime = await startRuntime({
    compiler: new InlineCompiler(new DirectoryStore(folder)),
    host: createHandlerHost({ resolve: createModuleSource({ folder }), log: SILENT }),
    publisher: new LivePublisher({ live, reporter, retired: () => undefined }),
    telemetry: metrics,
    log: SILENT,
    now: () => Date.now(),
  });
  if ("failure" in runtime)
    throw new Error(`the bench wrote policies that have ${runtime.failure.diagnostics.length} errors`);
  const engine = createEngine({
    live,
    reporter,
    counters: metrics,
    clock: { epochNanos, monotonicMs },
    maxInFlight: 2_000,
    idPrefix: "0123456789",
  });
  const doors = openDoors(engine, {
    events: metrics,
    claims: new ReportIds(monotonicMs),
    epochNanos,
    monotonicMs,
    limits: WIRE_LIMITS,
  });
  return {
    unary(path) {
      const door = doors.find((candidate) => candidate.path === path);
      if (door?.kind !== "unary") throw new Error(`no unary door at ${path}`);
      return door;
    },
    async [Symbol.asyncDispose]() {
      await runtime.stopWatching();
      await engine.drain();
      await runtime.close();
    },
  };
}
