import { setImmediate } from "node:timers/promises";
import type { Diagnostic, Sources } from "../diagnostics/diagnostic.ts";
import type { PolicyStore } from "../policy/store.ts";
import type { Reporter } from "../report/reporter.ts";
import type { HandlerIssue, HandlerSet, HandlerSpec } from "../snapshot/handler-set.ts";
import { linkInTurns, type Turns } from "../snapshot/link.ts";
import type { SettingsPlan } from "../snapshot/plan.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { type Examination, examineWithHandlers, type HandlerJudge, refusedByHandlers } from "./examine.ts";
import type { Live } from "./live.ts";

/** Opens the handlers of a plan, reusing those that are open already. */
export interface HandlerOpener extends HandlerJudge {
  open(specs: readonly HandlerSpec[]): Promise<HandlerSet | { readonly issues: readonly HandlerIssue[] }>;
}

export interface LoaderOptions {
  readonly store: PolicyStore;
  readonly host: HandlerOpener;
  readonly live: Live<Snapshot>;
  readonly reporter: Reporter;
  readonly events: LoadEvents;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  /** How requests get their turn while a snapshot is linked; those of the event loop when left out. */
  readonly turns?: Turns;
}

const EVENT_LOOP: Turns = { now: () => performance.now(), pause: () => setImmediate() };

/** Told what became of each load: logs, metrics. */
export interface LoadEvents {
  loaded(snapshot: LoadedSnapshot, warnings: readonly Diagnostic[]): void;
  /** `serving` goes on; undefined when there is nothing yet that could. */
  failed(failure: LoadFailure, serving: LoadedSnapshot | undefined): void;
  /** A snapshot that no request uses any more was closed; `error` when that failed. */
  retired(snapshot: string, error: unknown): void;
}

export interface LoadedSnapshot {
  readonly id: string;
  readonly commit: string | undefined;
  /** Milliseconds since the epoch. */
  readonly loadedAt: number;
  readonly policies: readonly { readonly policy: string; readonly file: string; readonly doors: readonly string[] }[];
  /** What `weir.yaml` says: doors, masks. */
  readonly settings: SettingsPlan;
}

export interface LoadFailure {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: Sources;
}

/**
 * The load flow: store → documents → plan → handlers → snapshot → swap. All or nothing: any error, and the last good snapshot goes on
 * serving. One load at a time; a change that comes during one is read afterwards.
 */
export class Loader {
  readonly #options: LoaderOptions;
  #running: Promise<void> | undefined;
  #again = false;
  #loaded: LoadedSnapshot | undefined;
  #lastError: LoadFailure | undefined;
  /** What the folder held when it was last judged, good or bad: nothing new, nothing to do. */
  #seen: string | undefined;
  readonly #retiring = new Set<Promise<void>>();

  constructor(options: LoaderOptions) {
    this.#options = options;
  }

  get loaded(): LoadedSnapshot | undefined {
    return this.#loaded;
  }

  /** Undefined once a load succeeded. */
  get lastError(): LoadFailure | undefined {
    return this.#lastError;
  }

  /** Reads the folder and makes it live if it is good. Resolves when this reading, or one begun after the call, has been judged. */
  load(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return this.#running;
    }
    this.#running = this.#loadUntilQuiet();
    return this.#running;
  }

  /** Resolves when every snapshot that was replaced has been closed. */
  async settled(): Promise<void> {
    await Promise.all(this.#retiring);
  }

  async #loadUntilQuiet(): Promise<void> {
    try {
      do {
        this.#again = false;
        await this.#loadOnce();
      } while (this.#again);
    } catch (error) {
      // Our bug, or a folder that cannot be read at all: what was not judged has not been seen.
      this.#seen = undefined;
      throw error;
    } finally {
      // At once: whoever asks after the last look must not be told that he was heard.
      this.#running = undefined;
    }
  }

  async #loadOnce(): Promise<void> {
    const reading = await this.#options.store.read();
    if (reading.id === this.#seen) return;
    this.#seen = reading.id;
    const serving = this.#loaded;
    if (serving && reading.id === serving.id) {
      // Edited back to what is serving.
      this.#lastError = undefined;
      return this.#options.events.loaded(serving, []);
    }
    const examination = await examineWithHandlers(reading, this.#options.host);
    if (examination.plan === undefined) return this.#fail(examination);
    const handlers = await this.#options.host.open(examination.plan.handlers);
    if ("issues" in handlers) {
      // The reason may lie outside of the folder, and go away: the same bytes are worth another try when somebody touches them.
      this.#seen = undefined;
      return this.#fail(refusedByHandlers(examination, handlers.issues));
    }
    const snapshot = await linkInTurns(examination.plan, handlers, this.#options.turns ?? EVENT_LOOP);
    this.#swap(snapshot, reading.commit, examination);
  }

  #fail({ diagnostics, sources }: Examination): void {
    this.#lastError = { at: this.#options.now(), diagnostics, sources };
    this.#options.events.failed(this.#lastError, this.#loaded);
  }

  #swap(snapshot: Snapshot, commit: string | undefined, { diagnostics }: Examination): void {
    const { live, events, now } = this.#options;
    const policies = snapshot.plan.policies.map(({ name, file, doors }) => ({ policy: name, file, doors }));
    const loaded = { id: snapshot.id, commit, loadedAt: now(), policies, settings: snapshot.plan.settings };
    this.#loaded = loaded;
    this.#lastError = undefined;
    const retiring = live.swap(snapshot).then((before) => (before ? this.#retire(before) : undefined));
    this.#retiring.add(retiring);
    void retiring.finally(() => this.#retiring.delete(retiring));
    events.loaded(loaded, diagnostics);
  }

  async #retire(snapshot: Snapshot): Promise<void> {
    const { reporter, events } = this.#options;
    try {
      reporter.retire(snapshot);
      await snapshot.handlers.retire();
      events.retired(snapshot.id, undefined);
    } catch (error) {
      events.retired(snapshot.id, error);
    }
  }
}
