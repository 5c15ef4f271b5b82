import type { Diagnostic, Sources } from "../diagnostics/diagnostic.ts";
import type { PolicyStore } from "../policy/store.ts";
import type { HandlerIssue, HandlerSet, HandlerSpec } from "../snapshot/handler-set.ts";
import { packPlan } from "../snapshot/packed-plan.ts";
import type { Plan, SettingsPlan } from "../snapshot/plan.ts";
import { type Examination, examineWithHandlers, type HandlerJudge, refusedByHandlers } from "./examine.ts";
import type { Publisher } from "./publisher.ts";

/** Opens the handlers of a plan, reusing those that are open already. */
export interface HandlerOpener extends HandlerJudge {
  open(specs: readonly HandlerSpec[]): Promise<HandlerSet | { readonly issues: readonly HandlerIssue[] }>;
}

export interface LoaderOptions {
  readonly store: PolicyStore;
  readonly host: HandlerOpener;
  readonly publisher: Publisher;
  readonly events: LoadEvents;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
}

/** Told what became of each load: logs, metrics. */
export interface LoadEvents {
  loaded(snapshot: LoadedSnapshot, warnings: readonly Diagnostic[]): void;
  /** `serving` goes on; undefined when there is nothing yet that could. */
  failed(failure: LoadFailure, serving: LoadedSnapshot | undefined): void;
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
    await this.#options.publisher.publish(packPlan(examination.plan), handlers);
    this.#published(examination.plan, reading.commit, examination);
  }

  #fail({ diagnostics, sources }: Examination): void {
    this.#lastError = { at: this.#options.now(), diagnostics, sources };
    this.#options.events.failed(this.#lastError, this.#loaded);
  }

  #published({ id, policies, settings }: Plan, commit: string | undefined, { diagnostics }: Examination): void {
    const { events, now } = this.#options;
    const shown = policies.map(({ name, file, doors }) => ({ policy: name, file, doors }));
    this.#loaded = { id, commit, loadedAt: now(), policies: shown, settings };
    this.#lastError = undefined;
    events.loaded(this.#loaded, diagnostics);
  }
}
