import type { Diagnostic, Sources } from "../diagnostics/diagnostic.ts";
import type { HandlerIssue, HandlerSet, HandlerSpec } from "../snapshot/handler-set.ts";
import type { SettingsPlan } from "../snapshot/plan.ts";
import type { HandlerJudge } from "./examine.ts";
import type {
  CompiledPolicy,
  FolderCompiler,
  FolderFindings,
  FolderVersion,
  GaveUp,
  GoodFolder,
} from "./folder-compiler.ts";
import type { Publisher } from "./publisher.ts";

/** Opens the handlers of a plan, reusing those that are open already. */
export interface HandlerOpener extends HandlerJudge {
  open(specs: readonly HandlerSpec[]): Promise<HandlerSet | { readonly issues: readonly HandlerIssue[] }>;
}

export interface LoaderOptions {
  readonly compiler: FolderCompiler;
  readonly host: HandlerOpener;
  readonly publisher: Publisher;
  readonly events: LoadEvents;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
}

/** Told what became of each load: logs, metrics. */
export interface LoadEvents {
  loaded(snapshot: LoadedSnapshot): void;
  /** `serving` goes on; undefined when there is nothing yet that could. */
  failed(failure: LoadFailure, serving: LoadedSnapshot | undefined): void;
}

export interface LoadedSnapshot {
  readonly id: string;
  readonly commit: string | undefined;
  /** Milliseconds since the epoch. */
  readonly loadedAt: number;
  readonly policies: readonly CompiledPolicy[];
  /** How many the folder has. */
  readonly warnings: number;
  /** What `weir.yaml` says: doors, masks. */
  readonly settings: SettingsPlan;
}

export interface LoadFailure {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Errors. */
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: Sources;
}

/**
 * The load flow: folder → plan → handlers → snapshot → swap. All or nothing: any error, and the last good snapshot goes on
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
    const { compiler, host, publisher } = this.#options;
    const version = await compiler.read();
    if ("gaveUp" in version) return this.#giveUp(version);
    if (version.id === this.#seen) return;
    this.#seen = version.id;
    const serving = this.#loaded;
    if (serving && version.id === serving.id) {
      // Edited back to what is serving.
      this.#lastError = undefined;
      return this.#options.events.loaded(serving);
    }
    const compiled = await compiler.compile();
    if ("gaveUp" in compiled) return this.#giveUp(compiled);
    const issues = await host.validate(compiled.handlers);
    if (issues.length > 0) return this.#refuse(issues);
    if (compiled.plan === undefined) return this.#fail(compiled);
    const handlers = await host.open(compiled.handlers);
    if ("issues" in handlers) {
      // The reason may lie outside of the folder, and go away: the same bytes are worth another try when somebody touches them.
      this.#seen = undefined;
      return this.#refuse(handlers.issues);
    }
    await publisher.publish(compiled.plan.packed, handlers);
    this.#published(version, compiled);
  }

  /** For what is wrong with its handlers, and whatever else is. */
  async #refuse(issues: readonly HandlerIssue[]): Promise<void> {
    const placed = await this.#options.compiler.place(issues);
    return "gaveUp" in placed ? this.#giveUp(placed) : this.#fail(placed);
  }

  /** Nothing was judged, so nothing has been seen. */
  #giveUp({ gaveUp }: GaveUp): void {
    this.#seen = undefined;
    this.#fail({ diagnostics: [gaveUp], sources: new Map() });
  }

  #fail({ diagnostics, sources }: FolderFindings): void {
    this.#lastError = { at: this.#options.now(), diagnostics, sources };
    this.#options.events.failed(this.#lastError, this.#loaded);
  }

  #published({ id, commit }: FolderVersion, { plan, warnings }: GoodFolder): void {
    const { events, now } = this.#options;
    this.#loaded = { id, commit, loadedAt: now(), policies: plan.policies, warnings, settings: plan.settings };
    this.#lastError = undefined;
    events.loaded(this.#loaded);
  }
}
