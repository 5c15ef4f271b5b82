import type { CompiledFolder, FolderFindings, FolderVersion } from "../engine/folder-compiler.ts";
import type { HandlerIssue } from "../snapshot/handler-set.ts";

/**
 * What the main thread and the thread that compiles say to each other: all of it.
 *
 * The **compiler thread** reads, watches, parses and compiles the folder; it knows no handler and answers no request. The main thread asks it
 * one question at a time, and each question is answered once, by `answer` or by `failed`. What it compiled lies in memory that all threads
 * share (`PackedPlan`); everything else is a copy.
 *
 * A life:  spawn → (`read` → `compile`? → `place`?)* , once `watch` → (`changed` → … → `looked`)* → ended by the main thread.
 *
 * **When it dies**, or takes longer than COMPILE_LIMIT_MS over a question, or needs more than COMPILER_HEAP_MB: the load it was at has failed,
 * and says so; what serves goes on. Another thread takes its place, which knows nothing and reads everything. When the main thread dies, so
 * does the process.
 */

/** The longest that one question may take. The largest folder that is read (64 MiB) compiles in half of it. */
export const COMPILE_LIMIT_MS = 120_000;
/** What compiling may hold at once, beside the packed plan. */
export const COMPILER_HEAP_MB = 1024;
/**
 * For what has just been made, a third of it at a time, and that from the beginning: with so much, most of what a file leaves behind is gone
 * before anybody looks. With a sixth of it loading ten thousand rules takes a tenth longer. The thread itself sees to it that this room is
 * not filled by looking at the folder (`Collector.young`).
 */
export const COMPILER_YOUNG_HEAP_MB = 48;
/** A thread that was lost is replaced after so long; each further one in a row after twice as long, up to the most. */
export const REPLACE_AFTER_MS = 1_000;
export const REPLACE_AFTER_AT_MOST_MS = 60_000;

/** What the thread is born with. */
export interface CompilerData {
  readonly folder: string;
  /** Milliseconds between two looks without an event; the store's own when left out. */
  readonly pollMs?: number;
}

export type Question =
  | { readonly kind: "read" }
  /** Of what was read last. */
  | { readonly kind: "compile" }
  /** Of what was compiled last. */
  | { readonly kind: "place"; readonly issues: readonly HandlerIssue[] };

export type ToCompiler =
  | { readonly kind: "ask"; readonly number: number; readonly question: Question }
  /** From now on: tell of changes since the last `read`. */
  | { readonly kind: "watch" }
  /** The change that was told of has been looked at: the next may be told of. */
  | { readonly kind: "looked" };

export type Answer = FolderVersion | CompiledFolder | FolderFindings;

export type FromCompiler =
  | { readonly kind: "answer"; readonly number: number; readonly answer: Answer }
  /** A bug of ours: the stack. */
  | { readonly kind: "failed"; readonly number: number; readonly error: string }
  /** Not told again before `looked`. */
  | { readonly kind: "changed" }
  | { readonly kind: "degraded"; readonly reason: string };
