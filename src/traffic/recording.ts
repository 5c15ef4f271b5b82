import { type FileHandle, open } from "node:fs/promises";
import type { Log, Telemetry } from "../telemetry/index.ts";
import { doorAt, maskMessage } from "./mask-message.ts";
import { MaskRules, type MaskSettings } from "./mask-rules.ts";

/** Bytes that wait for the disk; what comes after is dropped and counted, so that recording never holds up a request. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** A recording ends at this size, so that one that is forgotten does not fill a disk: some four million Checks. */
export const MAX_RECORDING_BYTES = 8 * 1024 ** 3;
/** How long the disk may take to write what waits when the process ends, in milliseconds. */
const CLOSE_LIMIT_MS = 3_000;

/** The first line of a recording. */
export const RECORDING_HEADER = '{"weir": "recording", "version": 1}\n';

export interface RecordingOptions {
  /** Made if it is not there; a recording that is there is continued. */
  readonly file: string;
  readonly log: Log;
  readonly telemetry: Pick<Telemetry, "recorded">;
  /** Nanoseconds since the epoch. */
  readonly epochNanos: () => bigint;
  /** MAX_RECORDING_BYTES when left out. */
  readonly maxBytes?: number;
}

/** One message that came in. */
export interface RecordedMessage {
  /** gRPC path. */
  readonly path: string;
  readonly peer: string;
  readonly bytes: Uint8Array;
  /** What is masked as of now; undefined before policies are loaded: then everything is. */
  readonly settings: MaskSettings | undefined;
}

export interface Recording {
  /** Takes a message, masked; returns at once. */
  write(message: RecordedMessage): void;
  /** Writes what waits, with a limit. */
  close(): Promise<void>;
}

/** @returns in words for people why the file cannot be used. */
export async function openRecording(options: RecordingOptions): Promise<Recording | { readonly problem: string }> {
  const { file } = options;
  try {
    // For its owner alone: it holds traffic.
    const handle = await open(file, "a+", 0o600);
    const usable = await isRecording(handle);
    if (usable === "other") {
      await handle.close();
      return { problem: `--record ${file}: there is another file of this name, which is no recording` };
    }
    if (usable === "empty") await handle.appendFile(RECORDING_HEADER);
    return new FileRecording(handle, options, (await handle.stat()).size);
  } catch (error) {
    return { problem: `--record ${file}: ${error instanceof Error ? error.message : String(error)}` };
  }
}

async function isRecording(handle: FileHandle): Promise<"empty" | "recording" | "other"> {
  const stats = await handle.stat();
  if (!stats.isFile()) return "other";
  if (stats.size === 0) return "empty";
  const head = Buffer.alloc(RECORDING_HEADER.length);
  await handle.read(head, 0, head.length, 0);
  return head.toString() === RECORDING_HEADER ? "recording" : "other";
}

class FileRecording implements Recording {
  readonly #handle: FileHandle;
  readonly #options: RecordingOptions;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> | undefined;
  #rules: { readonly settings: MaskSettings; readonly rules: MaskRules } | undefined;
  #broken = false;
  /** What was taken is still written. */
  #full = false;
  #bytes: number;

  constructor(handle: FileHandle, options: RecordingOptions, bytes: number) {
    this.#handle = handle;
    this.#options = options;
    this.#bytes = bytes;
  }

  write({ path, peer, bytes, settings }: RecordedMessage): void {
    if (this.#broken || this.#full || this.#waitingBytes > MAX_WAITING_BYTES) {
      this.#options.telemetry.recorded("dropped", 1);
      return;
    }
    const masked = settings ? maskMessage(path, bytes, this.#rulesOf(settings)) : maskMessage("", bytes, NO_RULES);
    const t = timestamp(this.#options.epochNanos());
    const line = `${JSON.stringify({ t, door: doorAt(path), peer, path, bytes: masked.toString("base64") })}\n`;
    if (!this.#fits(line)) {
      this.#options.telemetry.recorded("dropped", 1);
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    this.#writing ??= this.#writeAll();
  }

  /** Lines are ASCII: a unit is a byte. */
  #fits({ length }: string): boolean {
    const { log, file, maxBytes = MAX_RECORDING_BYTES } = this.#options;
    this.#bytes += length;
    if (this.#bytes <= maxBytes) return true;
    this.#full = true;
    log.warn("the recording has reached its size and ends here; serving goes on", { file, maxBytes });
    return false;
  }

  async close(): Promise<void> {
    const limit = Promise.withResolvers<void>();
    const timer = setTimeout(limit.resolve, CLOSE_LIMIT_MS);
    await Promise.race([this.#finish(), limit.promise]);
    clearTimeout(timer);
  }

  async #finish(): Promise<void> {
    await this.#writing;
    await this.#handle.close();
  }

  async #writeAll(): Promise<void> {
    // Not at once: what comes in together is written together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      await this.#append(lines);
      this.#waitingBytes -= lines.reduce((sum, line) => sum + line.length, 0);
    }
    this.#writing = undefined;
  }

  async #append(lines: readonly string[]): Promise<void> {
    const { telemetry, log, file } = this.#options;
    try {
      if (!this.#broken) await this.#handle.appendFile(lines.join(""));
      telemetry.recorded(this.#broken ? "dropped" : "written", lines.length);
    } catch (error) {
      this.#broken = true;
      telemetry.recorded("dropped", lines.length);
      log.error("the recording cannot be written and ends here; serving goes on", { file, error });
    }
  }

  #rulesOf(settings: MaskSettings): MaskRules {
    if (this.#rules?.settings !== settings) this.#rules = { settings, rules: new MaskRules(settings) };
    return this.#rules.rules;
  }
}

const NO_RULES = new MaskRules({ mask: [], jwt: undefined });

const NANOS = 1_000_000_000n;

/** RFC 3339 in UTC with nine decimals. */
function timestamp(nanos: bigint): string {
  const seconds = new Date(Number(nanos / NANOS) * 1_000).toISOString().slice(0, -".000Z".length);
  return `${seconds}.${(nanos % NANOS).toString().padStart(9, "0")}Z`;
}
