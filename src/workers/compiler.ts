import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { notCompiled } from "../diagnostics/messages/document.ts";
import type {
  CompiledFolder,
  FolderCompiler,
  FolderFindings,
  FolderVersion,
  GaveUp,
} from "../engine/folder-compiler.ts";
import type { StoreWatchOptions } from "../policy/store.ts";
import type { HandlerIssue } from "../snapshot/handler-set.ts";
import {
  type Answer,
  COMPILE_LIMIT_MS,
  COMPILER_HEAP_MB,
  COMPILER_YOUNG_HEAP_MB,
  type CompilerData,
  type FromCompiler,
  type Question,
  REPLACE_AFTER_AT_MOST_MS,
  REPLACE_AFTER_MS,
  type ToCompiler,
} from "./compiler-protocol.ts";
import { startThread } from "./start-thread.ts";

/** The main thread's end of the way to the thread that compiles. */
export interface CompilerPort {
  post(message: ToCompiler): void;
  /** Called once. */
  onMessage(take: (message: FromCompiler) => void): void;
  /** Called once; `error` is what ended the thread, where something did. Nothing comes after it. */
  onExit(gone: (error: Error | undefined) => void): void;
  /** Ends the thread wherever it stands; resolves when it has. */
  terminate(): Promise<void>;
}

export interface ThreadCompilerOptions {
  readonly data: CompilerData;
  readonly spawn: (data: CompilerData) => CompilerPort;
  /** COMPILE_LIMIT_MS, unless a test has less time. */
  readonly limitMs?: number;
  /** REPLACE_AFTER_MS, unless a test has less time. */
  readonly replaceAfterMs?: number;
}

/**
 * Compiles in a thread of its own, so that nobody who is served waits for it. A thread that is lost costs the load it was at, and is
 * replaced.
 */
export class ThreadCompiler implements FolderCompiler {
  readonly #options: ThreadCompilerOptions;
  #thread: CompilerPort | undefined;
  #open: OpenQuestion | undefined;
  #asked = 0;
  #watching: StoreWatchOptions | undefined;
  #looking: Promise<void> | undefined;
  /** Threads lost in a row. */
  #losses = 0;
  #replacing: NodeJS.Timeout | undefined;

  constructor(options: ThreadCompilerOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.data.folder;
  }

  /** Starts the thread before there is something to ask it. */
  begin(): void {
    this.#thread ??= this.#spawn();
  }

  // The thread answers each kind of question by its kind of answer: both sides are of one build.
  read(): Promise<FolderVersion | GaveUp> {
    return this.#ask({ kind: "read" }) as Promise<FolderVersion | GaveUp>;
  }

  compile(): Promise<CompiledFolder | GaveUp> {
    return this.#ask({ kind: "compile" }) as Promise<CompiledFolder | GaveUp>;
  }

  place(issues: readonly HandlerIssue[]): Promise<FolderFindings | GaveUp> {
    return this.#ask({ kind: "place", issues }) as Promise<FolderFindings | GaveUp>;
  }

  async watch(options: StoreWatchOptions): Promise<void> {
    this.#watching = options;
    if (this.#thread === undefined) this.#replaceLater();
    else this.#thread.post({ kind: "watch" });
    await new Promise<void>((resolve) => {
      if (options.signal.aborted) resolve();
      else options.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    this.#watching = undefined;
    clearTimeout(this.#replacing);
    await this.#looking;
  }

  async close(): Promise<void> {
    const thread = this.#thread;
    if (thread) this.#lost(thread, "Weir is ending");
    await thread?.terminate();
  }

  #ask(question: Question): Promise<Answer | GaveUp> {
    if (this.#open) throw new Error("the compiler is asked one thing at a time");
    const thread = this.#thread ?? this.#spawn();
    const { promise, resolve, reject } = Promise.withResolvers<Answer | GaveUp>();
    const { limitMs = COMPILE_LIMIT_MS } = this.#options;
    this.#asked += 1;
    const number = this.#asked;
    const timer = setTimeout(() => this.#lost(thread, `it takes longer than ${limitMs / 1000} s`), limitMs);
    this.#open = { number, kind: question.kind, resolve, reject, timer };
    thread.post({ kind: "ask", number, question });
    return promise;
  }

  #spawn(): CompilerPort {
    const thread = this.#options.spawn(this.#options.data);
    this.#thread = thread;
    thread.onMessage((message) => {
      if (this.#thread === thread) this.#take(message);
    });
    thread.onExit((error) => this.#lost(thread, whyEnded(error)));
    return thread;
  }

  #take(message: FromCompiler): void {
    switch (message.kind) {
      case "answer":
        if (this.#open?.kind === "compile") this.#losses = 0;
        this.#settled(message.number)?.resolve(message.answer);
        return;
      case "failed":
        this.#settled(message.number)?.reject(new Error(`compiling failed: ${message.error}`));
        return;
      case "changed":
        void this.#look(this.#thread);
        return;
      case "degraded":
        this.#watching?.onDegraded?.(message.reason);
    }
  }

  #settled(number: number): OpenQuestion | undefined {
    const open = this.#open;
    if (open?.number !== number) return undefined;
    clearTimeout(open.timer);
    this.#open = undefined;
    return open;
  }

  async #look(thread: CompilerPort | undefined): Promise<void> {
    await this.#changed();
    thread?.post({ kind: "looked" });
  }

  async #changed(): Promise<void> {
    this.#looking = Promise.resolve(this.#watching?.onChange());
    await this.#looking;
    this.#looking = undefined;
  }

  /** Once for each thread, whoever notices first. */
  #lost(thread: CompilerPort, why: string): void {
    if (this.#thread !== thread) return;
    this.#thread = undefined;
    void thread.terminate();
    this.#losses += 1;
    if (this.#watching) this.#replaceLater();
    const gaveUp: Diagnostic = notCompiled(why);
    if (this.#open) this.#settled(this.#open.number)?.resolve({ gaveUp });
  }

  /** Another thread begins with reading everything, and watches from there. */
  #replaceLater(): void {
    const { replaceAfterMs = REPLACE_AFTER_MS } = this.#options;
    const afterMs = Math.min(replaceAfterMs * 2 ** (this.#losses - 1), REPLACE_AFTER_AT_MOST_MS);
    clearTimeout(this.#replacing);
    this.#replacing = setTimeout(() => void this.#replace(), afterMs);
  }

  async #replace(): Promise<void> {
    const thread = this.#thread ?? this.#spawn();
    await this.#changed();
    // Lost again: somebody else is on the way.
    if (this.#thread === thread) thread.post({ kind: "watch" });
  }
}

interface OpenQuestion {
  readonly number: number;
  readonly kind: Question["kind"];
  readonly resolve: (answer: Answer | GaveUp) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

function whyEnded(error: Error | undefined): string {
  const code = error !== undefined && "code" in error ? error.code : undefined;
  if (code === "ERR_WORKER_OUT_OF_MEMORY") return `they need more than ${COMPILER_HEAP_MB} MiB of memory`;
  return `the thread that compiles ended${error === undefined ? "" : `: ${error.message}`}`;
}

/** The same folder in the sources and in what is built of them. */
const ENTRY = new URL(
  import.meta.url.endsWith(".ts") ? "./compiler-thread.ts" : "./compiler-thread.js",
  import.meta.url,
);

/** Starts the thread that compiles. */
export function spawnCompiler(data: CompilerData): CompilerPort {
  const worker = startThread(ENTRY, {
    name: "weir-compiler",
    data,
    heapMb: COMPILER_HEAP_MB,
    youngHeapMb: COMPILER_YOUNG_HEAP_MB,
    roomAtOnce: true,
  });
  let error: Error | undefined;
  // An exception in the thread ends the thread and not the process; what was thrown may be anything.
  worker.on("error", (thrown: unknown) => {
    error = thrown instanceof Error ? thrown : new Error(String(thrown));
  });
  return {
    post: (message) => worker.postMessage(message),
    onMessage: (take) => void worker.on("message", (message: FromCompiler) => take(message)),
    onExit: (gone) => void worker.on("exit", () => gone(error)),
    terminate: async () => void (await worker.terminate()),
  };
}
