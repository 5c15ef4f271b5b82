import { type BigIntStats, lstatSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Diagnostic, Span } from "../diagnostics/diagnostic.ts";
import {
  noSuchFolder,
  notAFile,
  symlinkBroken,
  symlinkCycle,
  symlinkOutside,
  tooDeep,
  tooManyFiles,
  unreadable,
} from "../diagnostics/messages/document.ts";
import { follow, isInside, isMissing, systemCode, type Way } from "./links.ts";

/** Policy files and folders together; a whole company's policies are a few thousand. */
const MAX_ENTRIES = 50_000;
/** Folders in folders. */
export const MAX_FOLDER_DEPTH = 32;

export interface ScannedFile {
  /** Relative to the folder, with `/`. */
  readonly path: string;
  /** Where it really is. */
  readonly real: string;
  /** Another one whenever the file changes, as far as the file system's times and sizes tell. */
  readonly stamp: string;
  /** When it last changed, milliseconds since the epoch. */
  readonly changedMs: number;
}

/** What stands in a folder, before a byte of it is read. */
export interface Scan {
  /** By path. */
  readonly files: readonly ScannedFile[];
  /** Files that are there and must not be read, told in `diagnostics`. */
  readonly refused: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
  /** Changes whenever a file, folder or symlink on the way to one does, as far as the file system's times and sizes tell. */
  readonly signature: string;
  /** The directories in which something may change, with the names that matter there; undefined is every name. */
  readonly watched: ReadonlyMap<string, ReadonlySet<string> | undefined>;
}

/**
 * Looks through a folder. Never rejects for what stands in it. Files are looked at without giving others their turn: that is several times
 * faster, and whoever serves does this in another thread.
 */
export async function scanFolder(folder: string): Promise<Scan> {
  const scanner = new Scanner(folder);
  await scanner.scan();
  return scanner.result();
}

/** @returns whether the loader reads a file of this name: tests and everything that is not YAML are passed over. */
function isPolicyFile(name: string): boolean {
  return /\.ya?ml$/.test(name) && !/\.test\.ya?ml$/.test(name);
}

/** One walk through one folder. */
class Scanner {
  readonly #folder: string;
  readonly #files: ScannedFile[] = [];
  readonly #refused: string[] = [];
  readonly #diagnostics: Diagnostic[] = [];
  readonly #signature: string[] = [];
  readonly #watched = new Map<string, Set<string> | undefined>();
  #root = "";
  #entries = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  result(): Scan {
    const files = this.#files.sort((a, b) => (a.path < b.path ? -1 : 1));
    const signature = this.#signature.join("\n");
    return { files, refused: this.#refused, diagnostics: this.#diagnostics, signature, watched: this.#watched };
  }

  async scan(): Promise<void> {
    try {
      const way = await follow(this.#folder);
      this.#remember(way);
      // The folder itself may be moved away and another put in its place.
      this.#watch(dirname(way.last), basename(way.last));
      if (way.real === undefined || !statSync(way.real).isDirectory()) {
        this.#diagnostics.push(noSuchFolder(this.#folder));
        return;
      }
      this.#root = way.real;
      await this.#walk(way.real, "", [way.real]);
    } catch (error) {
      this.#diagnostics.push(isMissing(error) ? noSuchFolder(this.#folder) : unreadable(undefined, reasonOf(error)));
    }
  }

  async #walk(directory: string, path: string, above: readonly string[]): Promise<void> {
    this.#watched.set(directory, undefined);
    const names = readdirSync(directory);
    for (const name of names.sort()) {
      if (name.startsWith(".") || this.#entries > MAX_ENTRIES) continue;
      const relative = path === "" ? name : `${path}/${name}`;
      try {
        await this.#entry(join(directory, name), relative, above);
      } catch (error) {
        // Gone since it was listed: the next reading will not list it.
        if (!isMissing(error)) this.#refuse(relative, unreadable(fileSpan(relative), reasonOf(error)));
      }
    }
  }

  async #entry(full: string, path: string, above: readonly string[]): Promise<void> {
    const stats = lstatSync(full, { bigint: true });
    if (stats.isSymbolicLink()) return this.#link(full, path, above);
    await this.#target(full, path, stats, above);
  }

  async #link(full: string, path: string, above: readonly string[]): Promise<void> {
    const way = await follow(full);
    this.#remember(way);
    const target = way.links.at(-1)?.target ?? way.last;
    if (way.real === undefined) {
      if (isPolicyFile(path)) this.#refuse(path, symlinkBroken(fileSpan(path), target));
      return;
    }
    const stats = statSync(way.real, { bigint: true });
    if (!stats.isDirectory() && !isPolicyFile(path)) return;
    const leaves = !isInside(this.#root, way.real) || way.links.some((link) => !isInside(this.#root, link.directory));
    if (leaves) return this.#refuse(path, symlinkOutside(fileSpan(path), way.real));
    if (above.includes(way.real)) return this.#refuse(path, symlinkCycle(fileSpan(path), way.real));
    if (!stats.isDirectory()) this.#watch(dirname(way.real), basename(way.real));
    await this.#target(way.real, path, stats, above);
  }

  async #target(real: string, path: string, stats: BigIntStats, above: readonly string[]): Promise<void> {
    const relevant = stats.isDirectory() || isPolicyFile(path);
    if (!relevant) return;
    if (++this.#entries === MAX_ENTRIES + 1) this.#diagnostics.push(tooManyFiles(MAX_ENTRIES));
    if (stats.isDirectory()) {
      this.#signature.push(`${path}/ ${stats.ino}`);
      if (above.length > MAX_FOLDER_DEPTH) return this.#refuse(path, tooDeep(fileSpan(path), MAX_FOLDER_DEPTH));
      return this.#walk(real, path, [...above, real]);
    }
    const stamp = `${stats.ino} ${stats.mode} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}`;
    this.#signature.push(`${path} ${stamp}`);
    if (!stats.isFile()) return this.#refuse(path, notAFile(fileSpan(path), kindOf(stats)));
    // The later of the two: times of writing can be set, those of change cannot.
    const changedMs = Math.max(Number(stats.mtimeMs), Number(stats.ctimeMs));
    this.#files.push({ path, real, stamp, changedMs });
  }

  #refuse(path: string, diagnostic: Diagnostic): void {
    this.#refused.push(path);
    this.#diagnostics.push(diagnostic);
    this.#signature.push(`${path} ${diagnostic.code}`);
  }

  /** Every symlink on the way is part of what is watched and of the signature. */
  #remember(way: Way): void {
    for (const link of way.links) {
      this.#watch(link.directory, link.name);
      this.#signature.push(`${link.directory}/${link.name} -> ${link.target}`);
    }
  }

  #watch(directory: string, name: string): void {
    if (!this.#watched.has(directory)) this.#watched.set(directory, new Set());
    this.#watched.get(directory)?.add(name);
  }
}

function fileSpan(file: string): Span {
  return { file, start: 0, end: 0 };
}

/** @returns what a file that is none is called. */
export function kindOf(stats: { isFIFO(): boolean; isSocket(): boolean; isDirectory(): boolean }): string {
  if (stats.isFIFO()) return "FIFO";
  if (stats.isSocket()) return "socket";
  return stats.isDirectory() ? "folder" : "device";
}

/** @returns why the operating system refused, in words. */
export function reasonOf(error: unknown): string {
  switch (systemCode(error)) {
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "EMFILE":
    case "ENFILE":
      return "too many open files";
    case "EIO":
      return "input/output error";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
