import type { HandlerHost, HandlerStatus } from "../adapter-host/host.ts";
import { renderText } from "../diagnostics/render-text.ts";
import type { Log, Telemetry } from "../telemetry/index.ts";
import type { FolderCompiler } from "./folder-compiler.ts";
import { type LoadEvents, type LoadedSnapshot, Loader, type LoadFailure } from "./loader.ts";
import type { Publisher, Retired } from "./publisher.ts";

/** What is queued for handlers when the process ends has this long to be delivered; the rest is counted as dropped. */
const CLOSE_DEADLINE_MS = 5_000;

export interface RuntimeOptions {
  readonly compiler: FolderCompiler;
  readonly host: HandlerHost;
  readonly publisher: Publisher;
  readonly telemetry: Telemetry;
  readonly log: Log;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
}

/** A policy folder, loaded and kept loaded. */
export interface Runtime {
  /** What serves; undefined before the first good load. */
  readonly loaded: LoadedSnapshot | undefined;
  /** Why the folder as it stands is not what serves; undefined when it is. */
  readonly lastError: LoadFailure | undefined;
  handlers(): readonly HandlerStatus[];
  /** Text for /metrics from adapters. */
  exposition(): Promise<string>;
  /** Reads the folder again, now. */
  reload(): Promise<void>;
  /** The folder is not looked at any more. */
  stopWatching(): Promise<void>;
  /** When requests are no longer answered: delivers what is queued, closes every handler once. */
  close(): Promise<void>;
}

/** Loads the folder and keeps it loaded. With no valid policy at the start there is nothing to serve: the errors, and nothing left open. */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime | { readonly failure: LoadFailure }> {
  const { compiler, host, publisher, telemetry, log, now } = options;
  const loader = new Loader({ compiler, host, publisher, events: loadEvents(options), now });
  await loader.load();
  if (loader.lastError) {
    await Promise.all([host.close(CLOSE_DEADLINE_MS), compiler.close()]);
    return { failure: loader.lastError };
  }
  const watching = new AbortController();
  const watched = compiler.watch({
    onChange: () => loader.load().catch((error: unknown) => telemetry.failed("loader", error)),
    onDegraded: (reason) => log.warn("policy changes will be seen late", { store: compiler.name, reason }),
    signal: watching.signal,
  });
  return {
    get loaded() {
      return loader.loaded;
    },
    get lastError() {
      return loader.lastError;
    },
    handlers: () => host.status(),
    exposition: async () => (await publisher.handlers?.exposition()) ?? "",
    reload: () => loader.load(),
    async stopWatching() {
      watching.abort();
      await watched;
      await compiler.close();
    },
    async close() {
      await publisher.settled();
      await host.close(CLOSE_DEADLINE_MS);
    },
  };
}

/** @returns what a publisher tells of snapshots that were replaced: it is logged. */
export function retirementLog(log: Log): Retired {
  return (snapshot, error) => {
    if (error === undefined) log.debug("snapshot retired", { snapshot });
    else log.error("closing the handlers of a replaced snapshot failed", { snapshot, error });
  };
}

/** A load is said in the log and counted; a broken edit shows every error as `weir validate` would. */
function loadEvents({ log, telemetry }: RuntimeOptions): LoadEvents {
  return {
    loaded({ id, commit, policies, warnings }) {
      telemetry.snapshotLoad("ok");
      log.info("policies loaded", {
        snapshot: id,
        ...(commit === undefined ? {} : { commit }),
        policies: policies.length,
        warnings,
      });
    },
    failed({ diagnostics, sources }, serving) {
      telemetry.snapshotLoad("error");
      // At the start whoever starts it shows the list.
      if (serving === undefined) return;
      log.error("policies not loaded, the last good ones go on serving", {
        snapshot: serving.id,
        errors: diagnostics.length,
        report: renderText(diagnostics, sources),
      });
    },
  };
}
