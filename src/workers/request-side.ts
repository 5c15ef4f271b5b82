import { createEngine, type RunningEngine } from "../engine/create-engine.ts";
import type { EngineClock } from "../engine/engine.ts";
import type { Live } from "../engine/live.ts";
import type { Reporter } from "../report/reporter.ts";
import { openDoors } from "../server/doors.ts";
import type { ReportClaims } from "../server/report-ids.ts";
import type { SettingsPlan } from "../snapshot/plan.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import type { Log, Telemetry } from "../telemetry/index.ts";
import type { Tally } from "../telemetry/tally.ts";
import type { Recording } from "../traffic/index.ts";
import type { Address } from "../wire/address.ts";
import { limitsWith, type WireLimits } from "../wire/limits.ts";
import { type RunningServer, startServer } from "../wire/server.ts";
import type { TlsSettings } from "../wire/tls.ts";
import type { TlsMaterial } from "../wire/tls-material.ts";
import { recorded } from "./recorded.ts";

/** What is asked of those who answer requests. Plain data: it crosses to threads. */
export interface RequestSettings {
  readonly grpc: Address;
  readonly insecure: boolean;
  /** Those that are not the defaults. */
  readonly limits: Partial<WireLimits>;
  /** The certificates at the start, and what is asked of clients. */
  readonly tls?: TlsSettings | undefined;
  /** Of the whole process. */
  readonly maxInFlight: number;
  /** Unique per process; decision ids begin with it. */
  readonly idPrefix: string;
}

export interface RequestSideOptions {
  readonly settings: RequestSettings;
  readonly live: Live<Snapshot>;
  readonly reporter: Reporter;
  readonly telemetry: Telemetry;
  readonly log: Log;
  readonly clock: EngineClock;
  readonly tally: Tally;
  /** Where what comes in is recorded; `masks` are the settings that say what of it is hidden. */
  readonly recording: Pick<Recording, "write"> | undefined;
  /** The memory of Reports that were accepted. */
  readonly claims: ReportClaims;
  readonly masks: () => SettingsPlan | undefined;
}

/** Metric series are delivered to their handlers at least this often. */
export const FLUSH_EVERY_MS = 1_000;

/** Everything in one thread that takes requests and answers them: listener, doors, engine. The same for one thread and for many. */
export class RequestSide {
  readonly engine: RunningEngine;
  readonly #options: RequestSideOptions;
  #server: RunningServer | undefined;
  /** Newer certificates than those of the start. */
  #material: TlsMaterial | undefined;

  constructor(options: RequestSideOptions) {
    this.#options = options;
    const { live, reporter, telemetry, clock, tally, settings } = options;
    const { maxInFlight, idPrefix } = settings;
    this.engine = createEngine({ live, reporter, counters: telemetry, clock, maxInFlight, idPrefix, tally });
  }

  /** Takes requests. @returns the address with the real port, or in words for people why it cannot be listened on. */
  async listen({
    sharedPort,
  }: {
    readonly sharedPort?: number;
  } = {}): Promise<{ readonly address: string } | { readonly problem: string }> {
    const { settings, telemetry, log, clock, recording, masks, claims } = this.#options;
    const monotonicMs = (): number => clock.monotonicMs();
    const limits = limitsWith((limit) => settings.limits[limit]);
    const epochNanos = (): bigint => clock.epochNanos();
    const doors = openDoors(this.engine, { events: telemetry, claims, epochNanos, monotonicMs, limits });
    const carried = recording === undefined ? doors : doors.map((door) => recorded(door, recording, masks));
    const { grpc: address, insecure, tls } = settings;
    const server = await startServer({
      doors: carried,
      // Several threads listen on one port.
      address: sharedPort === undefined || address.kind === "unix" ? address : { ...address, port: sharedPort },
      shared: sharedPort !== undefined,
      insecure,
      tls,
      log,
      telemetry,
      monotonicMs,
      limits,
    });
    if ("problem" in server) return server;
    this.#server = server;
    // They may have changed while it was starting.
    if (this.#material) server.useCertificates(this.#material);
    return server;
  }

  /** From the next handshake on these certificates count. */
  useCertificates(material: TlsMaterial): void {
    this.#material = material;
    this.#server?.useCertificates(material);
  }

  /** Asks so many clients to connect anew, without the loss of a call. */
  moveAway(connections: number): void {
    this.#server?.moveAway(connections);
  }

  /** Connections that were asked to connect anew and are still there. */
  get moving(): number {
    return this.#server === undefined ? 0 : this.#server.connections - this.#server.staying;
  }

  /** Calls are refused because there are too many. */
  get overloaded(): boolean {
    return this.#server?.overloaded ?? false;
  }

  /** No new connections and calls; resolves when those in flight were answered, or `graceMs` later were cut off. */
  async drain(graceMs: number): Promise<void> {
    await this.#server?.drain(graceMs);
  }

  /** Breaks every connection. */
  async cut(): Promise<void> {
    await this.#server?.cut();
  }

  /** Waits until nobody uses the engine, and hands on what was reported last. */
  async close(): Promise<void> {
    await this.engine.drain();
    this.#options.reporter.flush();
  }
}
