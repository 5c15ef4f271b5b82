import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { isMissing, systemCode } from "./links.ts";
import { reasonOf, type Scan, scanFolder } from "./scan.ts";

/** How often times and sizes are compared, in case the file system tells of a change too late or not at all (network mounts). */
const POLL_MS = 1_000;

export interface WatchOptions {
  /** Milliseconds between two looks without an event. */
  readonly pollMs?: number;
  /** The `signature` of the reading that is known already; without it what stands there now is. */
  readonly since?: string;
  /** Something changed. It is called again only after it has settled, and then for whatever changed meanwhile. Must not reject. */
  readonly onChange: () => void | Promise<void>;
  /** Events cannot be had for a directory, the poll goes on: told once for each reason. */
  readonly onDegraded?: (reason: string) => void;
  /** Nothing has changed and every directory is watched: from here on it is events that tell. */
  readonly onWaiting?: () => void;
  /** Ends watching. */
  readonly signal: AbortSignal;
}

/**
 * Watches a folder until the signal is aborted; resolves then. One flat watcher for each directory that was visited and for the parent
 * of each symlink on the way: recursive watching misses an editor's rename, and a watcher on the folder alone misses a swapped symlink.
 */
export async function watchFolder(folder: string, options: WatchOptions): Promise<void> {
  const watcher = new FolderWatcher(folder, options);
  try {
    await watcher.run();
  } finally {
    watcher.close();
  }
}

interface Armed {
  readonly watcher: FSWatcher;
  /** Tells a directory from another that took its path. */
  readonly identity: string;
}

class FolderWatcher {
  readonly #folder: string;
  readonly #options: WatchOptions;
  readonly #armed = new Map<string, Armed>();
  #watched: Scan["watched"] = new Map();
  readonly #told = new Set<string>();
  #signature: string | undefined;
  /** Something happened since the last look. */
  #stirred = false;
  #wake: () => void = () => undefined;

  constructor(folder: string, options: WatchOptions) {
    this.#folder = folder;
    this.#options = options;
    this.#signature = options.since;
  }

  async run(): Promise<void> {
    const { signal, onChange, pollMs = POLL_MS } = this.#options;
    while (!signal.aborted) {
      this.#stirred = false;
      const scan = await scanFolder(this.#folder);
      // What changed between looking and watching made no event: look again.
      if (await this.#arm(scan.watched)) continue;
      const changed = this.#signature !== undefined && this.#signature !== scan.signature;
      this.#signature = scan.signature;
      if (changed && !signal.aborted) await onChange();
      else await this.#event(pollMs);
    }
  }

  close(): void {
    for (const { watcher } of this.#armed.values()) watcher.close();
    this.#armed.clear();
  }

  /** @returns whether a directory is watched now that was not before. */
  async #arm(watched: Scan["watched"]): Promise<boolean> {
    this.#watched = watched;
    for (const directory of this.#armed.keys()) if (!watched.has(directory)) this.#disarm(directory);
    let added = false;
    for (const directory of watched.keys()) {
      const identity = await identityOf(directory);
      if (this.#armed.get(directory)?.identity === identity) continue;
      this.#disarm(directory);
      if (identity !== undefined && this.#watch(directory, identity)) added = true;
    }
    return added;
  }

  #watch(directory: string, identity: string): boolean {
    try {
      const watcher = watch(directory, { recursive: false }, (_, name) => {
        const names = this.#watched.get(directory);
        // The directory itself was moved or removed: this watcher will see nothing any more.
        const itself = name === basename(directory);
        if (itself) this.#disarm(directory);
        if (itself || name === null || names === undefined || names.has(name)) this.#stir();
      });
      watcher.on("error", (error) => {
        this.#degraded(error);
        this.#disarm(directory);
        this.#stir();
      });
      this.#armed.set(directory, { watcher, identity });
      return true;
    } catch (error) {
      if (!isMissing(error)) this.#degraded(error);
      return false;
    }
  }

  #disarm(directory: string): void {
    this.#armed.get(directory)?.watcher.close();
    this.#armed.delete(directory);
  }

  #degraded(error: unknown): void {
    // Linux says ENOSPC when a user has used up its inotify watches.
    const reason =
      systemCode(error) === "ENOSPC" ? "no file watches left (fs.inotify.max_user_watches)" : reasonOf(error);
    if (this.#told.has(reason)) return;
    this.#told.add(reason);
    this.#options.onDegraded?.(reason);
  }

  #stir(): void {
    this.#stirred = true;
    this.#wake();
  }

  /** Waits for an event, the poll or the end, whichever is first. */
  async #event(pollMs: number): Promise<void> {
    const { signal } = this.#options;
    if (this.#stirred || signal.aborted) return;
    const woken = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pollMs);
      const wake = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      signal.addEventListener("abort", wake, { once: true });
      this.#wake = wake;
    });
    this.#options.onWaiting?.();
    await woken;
  }
}

async function identityOf(directory: string): Promise<string | undefined> {
  try {
    const { dev, ino, birthtimeNs } = await stat(directory, { bigint: true });
    return `${dev} ${ino} ${birthtimeNs}`;
  } catch (error) {
    if (systemCode(error) !== undefined) return undefined;
    throw error;
  }
}
