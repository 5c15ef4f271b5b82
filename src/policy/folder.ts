import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import type { Diagnostic, Span } from "../diagnostics/diagnostic.ts";
import {
  byteOrderMark,
  fileTooLarge,
  folderTooLarge,
  keepsChanging,
  notAFile,
  notUtf8,
  unreadable,
} from "../diagnostics/messages/document.ts";
import { FolderMemory, type ReadFile } from "./folder-memory.ts";
import { gitCommit, isGitAtWork } from "./git-commit.ts";
import { isMissing } from "./links.ts";
import type { SourceFile } from "./load.ts";
import { kindOf, reasonOf, type ScannedFile, scanFolder } from "./scan.ts";

/** One file. A policy of this size has some ten thousand rules. */
export const MAX_FILE_BYTES = 1024 * 1024;
/** All files together. */
export const MAX_FOLDER_BYTES = 64 * 1024 * 1024;
/** Time between two readings that have to agree: longer than any writer takes from one file to the next. */
const MOMENT_MS = 100;
/** The same where one file alone is not as it was: that is how people edit. Longer than writers that have a second file take to begin with it. */
const EDIT_MOMENT_MS = 30;
/** As long as git says that it is at work, readings that agree are not believed; so many of them are, for git may have died over it. */
const GIT_READINGS = 20;
/** Then something writes all the time, and the folder is reported as it is. */
export const MAX_READINGS = 50;
/** Files open at once. */
const READERS = 16;
/** Hexadecimal digits of an id: 48 bits tell the versions of one folder apart. */
const ID_LENGTH = 12;

/** A whole folder at one moment. */
export interface FolderReading {
  /** By path. */
  readonly files: readonly SourceFile[];
  /** Hash of all paths and bytes, and of what could not be read: `3f9c2ab01d52`. Equal folders have equal ids. */
  readonly id: string;
  /** The commit that is checked out, where the folder is in a git work tree. */
  readonly commit?: string;
  /** What is wrong with the files as files. */
  readonly diagnostics: readonly Diagnostic[];
  /** What the file system's times and sizes were: what `watchFolder` compares. */
  readonly signature: string;
}

export interface ReadOptions {
  /** Waits between two readings; real time unless a test has its own. */
  readonly wait?: (ms: number) => Promise<unknown>;
  /** Of earlier readings of the same folder: what did not change is not read again. */
  readonly memory?: FolderMemory;
  /** Given each reading that is perhaps the one, while it is waited for another that agrees: time to prepare for it. */
  readonly meanwhile?: ((perhaps: FolderReading) => void) | undefined;
}

/**
 * Reads a whole folder: until two readings a moment apart agree, so that a checkout half-way, or two files renamed one after the other,
 * is never a version of its own. Never rejects for what the folder holds, and never waits for a FIFO.
 */
export async function readFolder(folder: string, options: ReadOptions = {}): Promise<FolderReading> {
  const { wait = setTimeout, memory = new FolderMemory(), meanwhile } = options;
  let before = await readOnce(folder, memory);
  for (let readings = 1; readings < MAX_READINGS; readings++) {
    const waited = wait(memory.changes(before.read) === 1 ? EDIT_MOMENT_MS : MOMENT_MS);
    meanwhile?.(before.reading);
    await waited;
    const now = await readOnce(folder, memory);
    const isWriting = readings < GIT_READINGS && (await isGitAtWork(folder));
    if (now.reading.id === before.reading.id && !isWriting) return given(folder, now, memory);
    before = now;
  }
  const { diagnostics } = before.reading;
  const reading = { ...before.reading, diagnostics: [...diagnostics, keepsChanging(MAX_READINGS)] };
  return given(folder, { ...before, reading }, memory);
}

async function given(folder: string, { read, reading }: Once, memory: FolderMemory): Promise<FolderReading> {
  memory.give(read);
  const commit = await gitCommit(folder);
  return commit === undefined ? reading : { ...reading, commit };
}

/** One look at everything. */
interface Once {
  readonly read: readonly ReadFile[];
  readonly reading: FolderReading;
}

async function readOnce(folder: string, memory: FolderMemory): Promise<Once> {
  const scan = await scanFolder(folder);
  const budget = { bytes: MAX_FOLDER_BYTES };
  const read = await readAll(scan.files, memory, budget);
  const diagnostics = [
    ...scan.diagnostics,
    ...read.flatMap((file) => file.diagnostics),
    ...(budget.bytes < 0 ? [folderTooLarge(MAX_FOLDER_BYTES)] : []),
  ];
  const files = [...read.flatMap(({ file }) => file ?? []), ...scan.refused.map(unreadableFile)];
  const reading = {
    files: files.sort((a, b) => (a.path < b.path ? -1 : 1)),
    id: idOf(read, diagnostics),
    diagnostics,
    signature: scan.signature,
  };
  return { read, reading };
}

/** Reads a few files at a time, in order. */
async function readAll(
  files: readonly ScannedFile[],
  memory: FolderMemory,
  budget: { bytes: number },
): Promise<readonly ReadFile[]> {
  const read: ReadFile[] = [];
  const queue = files.entries();
  const reader = async () => {
    for (const [index, file] of queue) {
      if (budget.bytes < 0) return;
      const result = memory.find(file) ?? (await readAnew(file, memory));
      budget.bytes -= result.content?.bytes ?? 0;
      read[index] = result;
    }
  };
  await Promise.all(Array.from({ length: READERS }, reader));
  return read.filter((file) => file !== undefined);
}

async function readAnew(file: ScannedFile, memory: FolderMemory): Promise<ReadFile> {
  const readAtMs = Date.now();
  const result = await readFile(file);
  memory.keep(file, readAtMs, result);
  return result;
}

async function readFile({ path, real }: ScannedFile): Promise<ReadFile> {
  const span = fileSpan(path);
  let handle: FileHandle | undefined;
  try {
    // Neither flag matters for the file that was listed; they do for what may stand there by now: a FIFO, or a symlink out.
    handle = await open(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    const stats = await handle.stat();
    if (!stats.isFile()) return refused(path, notAFile(span, kindOf(stats)));
    if (stats.size > MAX_FILE_BYTES) return refused(path, fileTooLarge(span, stats.size, MAX_FILE_BYTES));
    const bytes = await readBytes(handle, stats.size);
    if (bytes.length > MAX_FILE_BYTES) return refused(path, fileTooLarge(span, bytes.length, MAX_FILE_BYTES));
    return decode(path, bytes);
  } catch (error) {
    // Gone since it was listed: the next reading will not list it.
    return isMissing(error)
      ? { path, content: undefined, file: undefined, diagnostics: [] }
      : refused(path, unreadable(span, reasonOf(error)));
  } finally {
    await handle?.close();
  }
}

function refused(path: string, problem: Diagnostic): ReadFile {
  return { path, content: undefined, file: unreadableFile(path), diagnostics: [problem] };
}

function unreadableFile(path: string): SourceFile {
  return { path, text: "", unreadable: true };
}

/** Reads to the end, or one byte beyond the limit: a file may grow while it is read. */
async function readBytes(handle: FileHandle, size: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(Math.min(size, MAX_FILE_BYTES) + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

function decode(path: string, bytes: Buffer): ReadFile {
  const read = { bytes: bytes.length, digest: createHash("sha256").update(bytes).digest("base64") };
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const content = hasMark ? bytes.subarray(3) : bytes;
  const diagnostics = hasMark ? [byteOrderMark(fileSpan(path))] : [];
  const wrong = firstInvalid(content);
  if (wrong !== undefined) {
    const byte = wrong + bytes.length - content.length;
    const line = bytes.subarray(0, byte).toString("latin1").split("\n").length;
    const told = notUtf8(fileSpan(path), byte, line);
    return { path, content: read, file: unreadableFile(path), diagnostics: [...diagnostics, told] };
  }
  return { path, content: read, file: { path, text: content.toString("utf8") }, diagnostics };
}

/** @returns the offset of the first byte that is not UTF-8. */
function firstInvalid(bytes: Buffer): number | undefined {
  if (isValid(bytes, false)) return undefined;
  let valid = 0;
  let invalid = bytes.length;
  // `valid` bytes from the start may be continued to a valid text, `invalid` bytes may not.
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >>> 1;
    if (isValid(bytes.subarray(0, middle), true)) valid = middle;
    else invalid = middle;
  }
  // The last bytes of the valid part may begin a character that never came.
  while (!isValid(bytes.subarray(0, valid), false)) valid--;
  return valid;
}

function isValid(bytes: Buffer, mayGoOn: boolean): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: mayGoOn });
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

/** Lengths before contents: no two folders give the same bytes to hash. */
function idOf(files: readonly ReadFile[], diagnostics: readonly Diagnostic[]): string {
  const hash = createHash("sha256");
  const add = (part: string) => hash.update(`${Buffer.byteLength(part)}:`).update(part);
  for (const { path, content } of files) {
    if (content === undefined) continue;
    add(path);
    add(content.digest);
  }
  // A folder that cannot be read whole is another folder than the one without what is wrong with it.
  for (const { code, message, span } of diagnostics) add(`${code} ${span?.file ?? ""} ${message}`);
  return hash.digest("hex").slice(0, ID_LENGTH);
}

function fileSpan(file: string): Span {
  return { file, start: 0, end: 0 };
}
