import type { HandlerHost, HandlerStatus } from "../adapter-host/host.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { renderText } from "../diagnostics/render-text.ts";
import type { PolicyStore } from "../policy/store.ts";
import { Reporter } from "../report/reporter.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import type { Log, Telemetry } from "../telemetry/index.ts";
import { createEngine, type RunningEngine } from "./create-engine.ts";
import type { EngineClock } from "./engine.ts";
import { Live } from "./live.ts";
import { type LoadEvents, type LoadedSnapshot, Loader, type LoadFailure } from "./loader.ts";

/** Metric series are delivered to their handlers at least this often. */
const FLUSH_EVERY_MS = 1_000;
/** What is queued for handlers when the process ends has this long to be delivered; the rest is counted as dropped. */
const CLOSE_DEADLINE_MS = 5_000;

export interface RuntimeOptions {
  readonly store: PolicyStore;
  readonly host: HandlerHost;
  readonly telemetry: Telemetry;
  readonly log: Log;
  readonly clock: EngineClock;
  readonly maxInFlight: number;
  /** Unique per process. */
  readonly idPrefix: string;
}

/** A policy folder being served: the engine behind the front doors, kept up to date. */
export interface Runtime {
  readonly engine: RunningEngine;
  /** What serves; undefined before the first good load. */
  readonly loaded: LoadedSnapshot | undefined;
  /** Why the folder as it stands is not what serves; undefined when it is. */
  readonly lastError: LoadFailure | undefined;
  handlers(): readonly HandlerStatus[];
  /** Text for /metrics from adapters, with everything reported up to now. */
  exposition(): Promise<string>;
  /** Reads the folder again, now. */
  reload(): Promise<void>;
  /** Stops watching, waits for what is in flight, delivers what is queued, closes every handler once. */
  close(): Promise<void>;
}

/** Loads the folder and keeps it loaded. With no valid policy at the start there is nothing to serve: the errors, and nothing left open. */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime | { readonly failure: LoadFailure }> {
  const { store, host, telemetry, log, clock } = options;
  const live = new Live<Snapshot>();
  const reporter = new Reporter(telemetry);
  const now = (): number => Number(clock.epochNanos() / 1_000_000n);
  const loader = new Loader({ store, host, live, reporter, events: loadEvents(options), now });
  await loader.load();
  if (loader.lastError) {
    await host.close(CLOSE_DEADLINE_MS);
    return { failure: loader.lastError };
  }
  const engine = createEngine({
    live,
    reporter,
    counters: telemetry,
    clock,
    maxInFlight: options.maxInFlight,
    idPrefix: options.idPrefix,
  });
  const watching = new AbortController();
  const watched = store.watch({
    onChange: () => loader.load().catch((error: unknown) => telemetry.failed("loader", error)),
    onDegraded: (reason) => log.warn("policy changes will be seen late", { store: store.name, reason }),
    signal: watching.signal,
  });
  const flushing = setInterval(() => reporter.flush(), FLUSH_EVERY_MS);
  flushing.unref();
  return {
    engine,
    get loaded() {
      return loader.loaded;
    },
    get lastError() {
      return loader.lastError;
    },
    handlers: () => host.status(),
    async exposition() {
      reporter.flush();
      return (await live.peek()?.handlers.exposition()) ?? "";
    },
    reload: () => loader.load(),
    async close() {
      watching.abort();
      await watched;
      clearInterval(flushing);
      await engine.drain();
      await loader.settled();
      reporter.flush();
      await host.close(CLOSE_DEADLINE_MS);
    },
  };
}

/** A load is said in the log and counted; a broken edit shows every error as `weir validate` would. */
function loadEvents({ log, telemetry }: RuntimeOptions): LoadEvents {
  return {
    loaded({ id, commit, policies }, warnings) {
      telemetry.snapshotLoad("ok");
      log.info("policies loaded", {
        snapshot: id,
        ...(commit === undefined ? {} : { commit }),
        policies: policies.length,
        warnings: warnings.length,
      });
    },
    failed({ diagnostics, sources }, serving) {
      telemetry.snapshotLoad("error");
      // At the start whoever starts it shows the list.
      if (serving === undefined) return;
      const errors = diagnostics.filter(isError);
      log.error("policies not loaded, the last good ones go on serving", {
        snapshot: serving.id,
        errors: errors.length,
        report: renderText(errors, sources),
      });
    },
    retired(snapshot, error) {
      if (error === undefined) log.debug("snapshot retired", { snapshot });
      else log.error("closing the handlers of a replaced snapshot failed", { snapshot, error });
    },
  };
}

function isError(diagnostic: Diagnostic): boolean {
  return diagnostic.severity === "error";
}
