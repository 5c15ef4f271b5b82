import { type FileHandle, open, stat } from "node:fs/promises";
import type { Writable } from "node:stream";

/** Where lines go. `write` resolves once they are handed over to the operating system. */
export interface Output {
  write(text: string, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** What may lie in a stream that nobody reads; more is refused, so that a reader that stands still costs records and not memory. */
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;

/** A stream that is somebody else's: never ended. `failed` is told what goes wrong beside a write. */
export function streamOutput(stream: Writable, failed: (error: Error) => void): Output {
  // Without a listener an error of the stream, a closed pipe for one, would end the process.
  stream.on("error", failed);
  return {
    write: (text, signal) => {
      if (stream.writableLength > MAX_UNREAD_BYTES)
        return Promise.reject(new Error("nobody reads what the log writes"));
      return new Promise((resolve, reject) => {
        const abort = () => reject(signal.reason);
        signal.addEventListener("abort", abort, { once: true });
        stream.write(text, (error) => {
          signal.removeEventListener("abort", abort);
          if (error) reject(error);
          else resolve();
        });
      });
    },
    close: async () => void stream.off("error", failed),
  };
}

/** Nobody but Weir and its group reads who called what. */
const FILE_MODE = 0o640;

/** Appends to a file. When it is renamed or removed, as log rotation does, the next write begins a new one. */
export async function fileOutput(path: string): Promise<Output> {
  const file = new RotatingFile(path, await open(path, "a", FILE_MODE));
  return { write: (text) => file.append(text), close: () => file.close() };
}

class RotatingFile {
  readonly #path: string;
  #handle: FileHandle;
  /** A write that failed may have left half a line. */
  #broken = false;
  /** Writes follow each other, so that lines never mix. */
  #last: Promise<void> = Promise.resolve();

  constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  append(text: string): Promise<void> {
    const turn = this.#last.then(() => this.#write(text));
    // Who asked for this write learns of its failure; the next one only waits for its end.
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#handle.close();
  }

  async #write(text: string): Promise<void> {
    await this.#follow();
    const start = this.#broken ? "\n" : "";
    this.#broken = true;
    await this.#handle.appendFile(start + text);
    this.#broken = false;
  }

  async #follow(): Promise<void> {
    const [ours, there] = await Promise.all([this.#handle.stat(), inode(this.#path)]);
    if (there === ours.ino) return;
    const next = await open(this.#path, "a", FILE_MODE);
    const before = this.#handle;
    this.#handle = next;
    this.#broken = false;
    await before.close();
  }
}

async function inode(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).ino;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
