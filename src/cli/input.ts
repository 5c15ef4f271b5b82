import { createReadStream } from "node:fs";
import { BadInput } from "./bad-input.ts";
import type { CommandIo } from "./command-io.ts";

/** What people write by hand is never larger. In bytes. */
const MAX_INPUT_BYTES = 4 * 1024 * 1024;

const STDIN = "standard input";

/** @param file `-` is standard input. @returns its text. @throws BadInput where it cannot be read, is too large or no text. */
export async function readInput(file: string, io: CommandIo): Promise<string> {
  if (file !== "-") return readText(file);
  return text(STDIN, await readAll(STDIN, io.stdin()));
}

/** @throws BadInput as `readInput`. */
export async function readText(file: string): Promise<string> {
  try {
    return text(file, await readAll(file, createReadStream(file)));
  } catch (error) {
    throw error instanceof BadInput
      ? error
      : new BadInput(`${file}: ${error instanceof Error ? error.message : error}`);
  }
}

/** Not read whole and then judged: a file may have no end. */
async function readAll(where: string, source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > MAX_INPUT_BYTES) throw tooLarge(where);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(where: string): BadInput {
  return new BadInput(`${where}: more than ${MAX_INPUT_BYTES} bytes`);
}

function text(where: string, bytes: Uint8Array): string {
  const found = decodeUtf8(bytes);
  if (found === undefined) throw new BadInput(`${where} is no text: it holds bytes that are not UTF-8`);
  return found;
}

/** @returns undefined for what is not UTF-8. A byte order mark is left out. */
function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** A line of a stream, without its line break, or why it cannot be had. */
export type Line = { readonly number: number } & ({ readonly text: string } | { readonly problem: string });

/**
 * Takes a stream apart into lines as it comes: of a line that is too long no more than `maxBytes` are ever held.
 * @returns the lines that end in each chunk; empty ones are left out.
 */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<readonly Line[], void, void> {
  const open = new OpenLine(maxBytes);
  for await (const chunk of chunks) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      open.add(chunk.subarray(start, end));
      lines.push(...open.close());
      start = end + 1;
    }
    open.add(chunk.subarray(start));
    if (lines.length > 0) yield lines;
  }
  yield open.close();
}

const NEWLINE = 0x0a;

/** The line that has not ended yet. */
class OpenLine {
  readonly #maxBytes: number;
  #number = 1;
  #size = 0;
  #parts: Uint8Array[] = [];

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(bytes: Uint8Array): void {
    this.#size += bytes.length;
    if (this.#size > this.#maxBytes) this.#parts = [];
    else this.#parts.push(bytes);
  }

  close(): readonly Line[] {
    const line = this.#line(this.#number);
    this.#number++;
    this.#size = 0;
    this.#parts = [];
    return line === undefined ? [] : [line];
  }

  #line(number: number): Line | undefined {
    if (this.#size > this.#maxBytes) return { number, problem: `the line has more than ${this.#maxBytes} bytes` };
    const decoded = decodeUtf8(Buffer.concat(this.#parts));
    if (decoded === undefined) return { number, problem: "the line is no text: it holds bytes that are not UTF-8" };
    return decoded.trim() === "" ? undefined : { number, text: decoded };
  }
}
