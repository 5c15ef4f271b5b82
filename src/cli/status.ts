import type { HandlerStatus } from "../adapter-host/index.ts";
import type { HandlerView, LastError, Status } from "../admin/index.ts";
import { reportDiagnostics } from "../diagnostics/render-json.ts";
import type { LoadFailure } from "../engine/loader.ts";
import type { Runtime } from "../engine/runtime.ts";
import type { ThreadView } from "../workers/request-service.ts";

export interface StatusSources {
  readonly runtime: Runtime;
  readonly inFlight: number;
  readonly workers: readonly ThreadView[];
  readonly version: string;
  readonly draining: boolean;
  readonly startedAt: Date;
  readonly grpc: string;
}

/** @returns what `/status` shows. */
export function statusOf({ runtime, inFlight, workers, version, draining, startedAt, grpc }: StatusSources): Status {
  const { loaded, lastError } = runtime;
  return {
    version,
    state: draining ? "draining" : "serving",
    startedAt: startedAt.toISOString(),
    grpc,
    snapshot: loaded?.id ?? null,
    commit: loaded?.commit ?? null,
    loadedAt: loaded ? new Date(loaded.loadedAt).toISOString() : null,
    lastError: lastError ? lastErrorOf(lastError) : null,
    inFlight,
    workers,
    doors: loaded?.settings.doors.map(({ door }) => door) ?? [],
    policies: loaded?.policies ?? [],
    handlers: runtime.handlers().map(handlerOf),
  };
}

function lastErrorOf({ at, diagnostics, sources }: LoadFailure): LastError {
  return { at: new Date(at).toISOString(), diagnostics: reportDiagnostics(diagnostics, sources).diagnostics };
}

/** Counts as JSON has them: exact up to 2^53. */
function handlerOf(status: HandlerStatus): HandlerView {
  const { handler, adapter, state, accepted, delivered, dropped, queued, lastError } = status;
  return {
    handler,
    adapter,
    state,
    accepted: Number(accepted),
    delivered: Number(delivered),
    dropped: Number(dropped),
    queued: Number(queued),
    lastError: lastError ?? null,
  };
}
