import { type FolderReading, type ReadOptions, readFolder } from "./folder.ts";
import { FolderMemory } from "./folder-memory.ts";
import { watchFolder } from "./watch.ts";

/** Where policies come from. A directory today; a git repository, fetched by itself, may come beside it. */
export interface PolicyStore {
  /** What people call it, for logs: a path or a URL. */
  readonly name: string;
  /**
   * Everything as it stands now, whole. Never rejects for what it holds: that is in `diagnostics`.
   * @param meanwhile given what may turn out to be it, as often as it is not yet sure.
   */
  read(meanwhile?: (perhaps: FolderReading) => void): Promise<FolderReading>;
  /**
   * Calls `onChange` whenever something may have changed since the last `read`, until the signal is aborted; resolves then. While
   * `onChange` has not settled it is not called again.
   */
  watch(options: StoreWatchOptions): Promise<void>;
}

export interface StoreWatchOptions {
  /** Must not reject. */
  readonly onChange: () => void | Promise<void>;
  /** Changes will be seen later than they could be, and why. */
  readonly onDegraded?: (reason: string) => void;
  /** All that came before was looked at: what changes now is seen by itself. */
  readonly onWaiting?: () => void;
  readonly signal: AbortSignal;
}

export interface DirectoryStoreOptions extends Pick<ReadOptions, "wait"> {
  /** Milliseconds between two looks without an event. */
  readonly pollMs?: number;
}

/** Policies in a directory. */
export class DirectoryStore implements PolicyStore {
  readonly name: string;
  readonly #options: DirectoryStoreOptions;
  readonly #memory = new FolderMemory();
  #signature: string | undefined;

  constructor(directory: string, options: DirectoryStoreOptions = {}) {
    this.name = directory;
    this.#options = options;
  }

  async read(meanwhile?: (perhaps: FolderReading) => void): Promise<FolderReading> {
    const reading = await readFolder(this.name, { ...this.#options, memory: this.#memory, meanwhile });
    this.#signature = reading.signature;
    return reading;
  }

  watch({ onChange, onDegraded, onWaiting, signal }: StoreWatchOptions): Promise<void> {
    const { pollMs } = this.#options;
    return watchFolder(this.name, {
      onChange,
      signal,
      ...(onDegraded === undefined ? {} : { onDegraded }),
      ...(onWaiting === undefined ? {} : { onWaiting }),
      ...(pollMs === undefined ? {} : { pollMs }),
      // What changed between the reading and now is a change too.
      ...(this.#signature === undefined ? {} : { since: this.#signature }),
    });
  }
}
