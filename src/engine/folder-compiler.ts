import { type Diagnostic, isError, type Sources } from "../diagnostics/diagnostic.ts";
import { sortDiagnostics } from "../diagnostics/order.ts";
import type { FolderReading } from "../policy/folder.ts";
import type { PolicyStore, StoreWatchOptions } from "../policy/store.ts";
import type { HandlerIssue, HandlerSpec } from "../snapshot/handler-set.ts";
import { type PackedPlan, packFrame, packPolicy } from "../snapshot/packed-plan.ts";
import type { SettingsPlan } from "../snapshot/plan.ts";
import { type Examined, Examiner } from "./examine.ts";

/**
 * Reads a folder of policies and compiles it: in this thread, or in one of its own. Only data crosses. One question at a time, in the order
 * `read`, `compile`, `place`, each about what the one before gave.
 */
export interface FolderCompiler {
  /** What people call the folder. */
  readonly name: string;
  /** Reads the folder as it stands now. */
  read(): Promise<FolderVersion | GaveUp>;
  /** Compiles what was read. */
  compile(): Promise<CompiledFolder | GaveUp>;
  /** Everything that is wrong, with what is wrong with handlers at its place in the folder. */
  place(issues: readonly HandlerIssue[]): Promise<FolderFindings | GaveUp>;
  /** As a store's `watch`. */
  watch(options: StoreWatchOptions): Promise<void>;
  /** Lets go of everything; after the end of `watch`. */
  close(): Promise<void>;
}

/** What a folder held when it was read. */
export interface FolderVersion {
  readonly id: string;
  /** The commit that is checked out, where the folder is in a git work tree. */
  readonly commit?: string;
}

/** Neither good nor bad is known of the folder, and why. */
export interface GaveUp {
  readonly gaveUp: Diagnostic;
}

/** What keeps a folder from being served. Warnings are for those who validate it: there are thousands as easily as one. */
export interface FolderFindings {
  /** Errors, in the order in which people read them. */
  readonly diagnostics: readonly Diagnostic[];
  /** Of the files that the diagnostics point into. */
  readonly sources: Sources;
}

export type CompiledFolder = GoodFolder | BadFolder;

export interface GoodFolder {
  readonly plan: CompiledPlan;
  /** For their adapters to judge. */
  readonly handlers: readonly HandlerSpec[];
  /** How many there are. */
  readonly warnings: number;
}

/** A folder in which there is an error. */
export interface BadFolder extends FolderFindings {
  readonly plan: undefined;
  /** As far as they could be told. */
  readonly handlers: readonly HandlerSpec[];
}

export interface CompiledPlan {
  readonly packed: PackedPlan;
  readonly settings: SettingsPlan;
  readonly policies: readonly CompiledPolicy[];
}

/** A policy as it is shown. */
export interface CompiledPolicy {
  readonly policy: string;
  readonly file: string;
  /** Check doors on which its check and quota rules are evaluated. */
  readonly doors: readonly string[];
}

/** Compiles in the thread that asks: where nobody else waits for it. */
export class InlineCompiler implements FolderCompiler {
  readonly #store: PolicyStore;
  readonly #examiner = new Examiner(packPolicy);
  #reading: FolderReading | undefined;
  #examined: Examined<SharedArrayBuffer> | undefined;

  constructor(store: PolicyStore) {
    this.#store = store;
  }

  get name(): string {
    return this.#store.name;
  }

  async read(): Promise<FolderVersion> {
    this.#reading = await this.#store.read((perhaps) => this.#examiner.prepare(perhaps));
    const { id, commit } = this.#reading;
    return { id, ...(commit === undefined ? {} : { commit }) };
  }

  async compile(): Promise<CompiledFolder> {
    if (this.#reading === undefined) throw new Error("there is nothing to compile before it was read");
    const examined = this.#examiner.examine(this.#reading);
    this.#reading = undefined;
    this.#examined = examined;
    const { handlers, diagnostics, sources } = examined;
    const plan = planOf(examined);
    if (plan === undefined) return { plan, handlers, ...findings(diagnostics, sources) };
    // Without an error whatever was found is a warning.
    return { plan, handlers, warnings: diagnostics.length };
  }

  async place(issues: readonly HandlerIssue[]): Promise<FolderFindings> {
    if (this.#examined === undefined) throw new Error("there are no places before it was compiled");
    const { diagnostics, place, sources } = this.#examined;
    return findings(sortDiagnostics([...diagnostics, ...place(issues)]), sources);
  }

  watch(options: StoreWatchOptions): Promise<void> {
    return this.#store.watch(options);
  }

  async close(): Promise<void> {
    this.#examined = undefined;
  }
}

function planOf({ frame, policies, summaries }: Examined<SharedArrayBuffer>): CompiledPlan | undefined {
  if (frame === undefined) return undefined;
  return {
    packed: { id: frame.id, frame: packFrame(frame), policies },
    settings: frame.settings,
    policies: summaries.map(({ name, file, doors }) => ({ policy: name.value, file, doors })),
  };
}

function findings(diagnostics: readonly Diagnostic[], sources: Sources): FolderFindings {
  const errors = diagnostics.filter(isError);
  const shown = new Map<string, string>();
  for (const { span } of errors) {
    const text = span && sources.get(span.file);
    if (text !== undefined) shown.set(span?.file ?? "", text);
  }
  return { diagnostics: errors, sources: shown };
}
