import type { Log, Telemetry } from "../telemetry/index.ts";
import { judgeTls, readTlsFiles, type TlsMaterial, type TlsPaths, type TlsTexts } from "./tls-material.ts";

/**
 * How often the files are read. They are read whole and compared: a few kilobytes a second cost nothing, and neither a swapped symlink (of
 * Kubernetes, of a rename) nor a network mount nor two changes within one tick of the file system's clock goes unnoticed.
 */
const POLL_MS = 1_000;

/** Between two readings that must agree: who copies certificates, writes one file after the other. Milliseconds. */
const SETTLE_MS = 100;

/** Longer than the files of one set are written one after the other; what makes no set for so long is told. Milliseconds. */
const TOLD_AFTER_MS = 10_000;

export interface TlsFilesOptions {
  readonly paths: TlsPaths;
  readonly log: Log;
  readonly telemetry: Pick<Telemetry, "certificatesLoaded">;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Waits; tests need not. Rejects never, and resolves early when the signal is aborted. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** @returns what the files hold now; or in words for people why it cannot be served with. */
export async function openTlsFiles(options: TlsFilesOptions): Promise<TlsFiles | { readonly problem: string }> {
  const { paths, log, now } = options;
  const texts = await readTlsFiles(paths);
  if ("problem" in texts) return texts;
  const material = judgeTls(paths, texts, now());
  if ("problem" in material) return material;
  if (texts.keyIsPublic)
    log.warn("every user of this machine can read the key of the certificate; take that permission away (chmod o-r)", {
      file: paths.key,
    });
  return new TlsFiles(options, texts, material);
}

/**
 * Certificate, key and authorities in files, kept up with. They are replaced only by a set that fits together and stood still for a moment:
 * whoever is subscribed never sees the new certificate with the old key. What is wrong is told once, and the last good set stays.
 */
export class TlsFiles {
  readonly #options: TlsFilesOptions;
  #texts: TlsTexts;
  #current: TlsMaterial;

  constructor(options: TlsFilesOptions, texts: TlsTexts, material: TlsMaterial) {
    this.#options = options;
    this.#texts = texts;
    this.#current = material;
  }

  /** The last good set. */
  get current(): TlsMaterial {
    return this.#current;
  }

  /** Looks at the files until the signal is aborted, and hands on each new good set. Resolves then. */
  async watch(publish: (material: TlsMaterial) => void, signal: AbortSignal): Promise<void> {
    const { wait = waitFor } = this.#options;
    const trouble = new Trouble(this.#options);
    while (!signal.aborted) {
      await wait(POLL_MS, signal);
      const seen = await this.#settled(signal);
      if (signal.aborted) return;
      if (seen === undefined) trouble.over();
      else if ("problem" in seen) trouble.with(seen.problem);
      else {
        this.#current = seen;
        trouble.over();
        this.#options.telemetry.certificatesLoaded("ok");
        this.#options.log.info("certificates were replaced: new connections get them", {
          file: this.#options.paths.certificate,
          expires: new Date(seen.expiresAtMs).toISOString(),
        });
        publish(seen);
      }
    }
  }

  /** @returns a new set; what is wrong with it; undefined when the files hold what they held. */
  async #settled(signal: AbortSignal): Promise<TlsMaterial | { readonly problem: string } | undefined> {
    const { paths, now, wait = waitFor } = this.#options;
    const first = await readTlsFiles(paths);
    if (!("problem" in first) && same(first, this.#texts)) return undefined;
    await wait(SETTLE_MS, signal);
    const texts = await readTlsFiles(paths);
    if ("problem" in texts) return texts;
    if (same(texts, this.#texts)) return undefined;
    // Still being written: the next look sees more.
    if ("problem" in first || !same(first, texts)) return { problem: "the files are changing all the time" };
    const judged = judgeTls(paths, texts, now());
    if (!("problem" in judged)) this.#texts = texts;
    return judged;
  }
}

function same(a: TlsTexts, b: TlsTexts): boolean {
  return a.certificate === b.certificate && a.key === b.key && a.clientCa === b.clientCa;
}

/** What is wrong with the files as they stand: told when it lasts, and once. */
class Trouble {
  readonly #options: TlsFilesOptions;
  #now: { readonly problem: string; readonly sinceMs: number } | undefined;
  #told: string | undefined;

  constructor(options: TlsFilesOptions) {
    this.#options = options;
  }

  with(problem: string): void {
    const nowMs = this.#options.now();
    if (this.#now?.problem !== problem) this.#now = { problem, sinceMs: nowMs };
    if (nowMs - this.#now.sinceMs < TOLD_AFTER_MS || this.#told === problem) return;
    this.#told = problem;
    this.#options.telemetry.certificatesLoaded("error");
    this.#options.log.error("certificates were not replaced: the last good ones go on being used", { problem });
  }

  over(): void {
    this.#now = undefined;
    this.#told = undefined;
  }
}

async function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}
