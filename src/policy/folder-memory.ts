import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { SourceFile } from "./load.ts";
import type { ScannedFile } from "./scan.ts";

/** What is older than this when it is read was not changed again within one tick of a file system's clock: FAT's are two seconds. */
const SETTLED_MS = 2_500;

/** A file as it was read. */
export interface ReadFile {
  readonly path: string;
  /** Undefined where its bytes could not be had. */
  readonly content: { readonly bytes: number; readonly digest: string } | undefined;
  /** Undefined where it was gone. */
  readonly file: SourceFile | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

interface Known {
  readonly scanned: ScannedFile;
  readonly readAtMs: number;
  readonly read: ReadFile;
}

/** What earlier readings of one folder found, so that the next one reads what changed since and nothing else. */
export class FolderMemory {
  readonly #known = new Map<string, Known>();
  /** By path: what the last reading that was given out had there. */
  #given: ReadonlyMap<string, string> | undefined;

  /** @returns what is known to stand in a file; undefined where it has to be read. */
  find(file: ScannedFile): ReadFile | undefined {
    const known = this.#known.get(file.path);
    if (known === undefined || known.scanned.real !== file.real || known.scanned.stamp !== file.stamp) return undefined;
    // INVARIANT: two writings of one file within a tick leave the same times. What was read so soon after it was written is read again.
    return known.readAtMs - file.changedMs > SETTLED_MS ? known.read : undefined;
  }

  /** @param readAtMs when reading it began. */
  keep(scanned: ScannedFile, readAtMs: number, read: ReadFile): void {
    this.#known.set(scanned.path, { scanned, readAtMs, read });
  }

  /** @returns in how many files a reading differs from what was given out before; undefined when nothing was. */
  changes(files: readonly ReadFile[]): number | undefined {
    const before = this.#given;
    if (before === undefined) return undefined;
    const there = files.filter(({ path }) => before.has(path));
    const added = files.length - there.length;
    const removed = before.size - there.length;
    return added + removed + there.filter((file) => before.get(file.path) !== spelled(file)).length;
  }

  give(files: readonly ReadFile[]): void {
    this.#given = new Map(files.map((file) => [file.path, spelled(file)]));
    for (const path of this.#known.keys()) if (!this.#given.has(path)) this.#known.delete(path);
  }
}

function spelled({ content, diagnostics }: ReadFile): string {
  return content?.digest ?? diagnostics.map(({ code, message }) => `${code} ${message}`).join();
}
