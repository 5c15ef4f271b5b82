import type { Publisher } from "../engine/publisher.ts";
import { ReportIds } from "../server/report-ids.ts";
import type { WorkerState } from "../telemetry/telemetry.ts";
import { formatAddress } from "../wire/address.ts";
import { claimPort, type PortClaim } from "../wire/claim-port.ts";
import type { TlsMaterial } from "../wire/tls-material.ts";
import type { DeskServices } from "./desk.ts";
import { Life } from "./life.ts";
import {
  FIRST_BACKOFF_MS,
  FLUSH_LIMIT_MS,
  FORGIVEN_AFTER_MS,
  type FromThread,
  LAST_GRACE_MS,
  LOOK_EVERY_MS,
  MAX_BACKOFF_MS,
  MAX_DEATHS_IN_A_ROW,
  makeWord,
  type ToThread,
} from "./protocol.ts";
import { Rebalance } from "./rebalance.ts";
import { maskSettings } from "./recorded.ts";
import type { RequestService, RequestServiceOptions, ThreadView } from "./request-service.ts";
import type { Spawn } from "./spawn.ts";
import { Switchover } from "./switchover.ts";

export interface SupervisorOptions extends RequestServiceOptions {
  readonly threads: number;
  readonly spawn: Spawn;
  /** Called once, when the last thread was given up: nobody answers any more, and nobody will. */
  readonly abandoned: () => void;
}

/** One of the N threads that there should be, whichever life it is in. */
interface Slot {
  readonly thread: number;
  life: Life | undefined;
  bornMs: number;
  /** In a row. */
  deaths: number;
  timer: NodeJS.Timeout | undefined;
  failed: boolean;
}

/**
 * Keeps request threads alive and of one mind: starts them, gives them snapshots, hears of what they count, does for them what only the main
 * thread can, and replaces those that die. `protocol.ts` tells what is said, and what becomes of it when somebody dies.
 */
export class Supervisor implements RequestService {
  readonly #options: SupervisorOptions;
  readonly #word = makeWord();
  readonly #slots: readonly Slot[];
  readonly #switchover: Switchover;
  readonly #services: DeskServices;
  readonly #looking: NodeJS.Timeout;
  readonly #balance = new Rebalance();
  /** Told after each message and each death: for those who wait for something to become true. */
  readonly #waiting = new Set<() => void>();
  #claim: PortClaim | undefined;
  #problem: string | undefined;
  /** Newer certificates than those of the start. */
  #material: TlsMaterial | undefined;
  #lives = 0;
  #flushes = 0;
  #ending = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#switchover = new Switchover({
      word: this.#word,
      living: () => this.#living(),
      awaited: () =>
        this.#slots.filter(({ life, failed }) => life === undefined && !failed).map(({ thread }) => thread),
      retired: options.retired,
    });
    this.#services = this.#makeServices();
    this.#slots = Array.from({ length: options.threads }, (_, index) => ({
      thread: index + 1,
      life: undefined,
      bornMs: 0,
      deaths: 0,
      timer: undefined,
      failed: false,
    }));
    for (const slot of this.#slots) this.#bear(slot);
    this.#looking = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#looking.unref();
  }

  get publisher(): Publisher {
    return this.#switchover;
  }

  get inFlight(): number {
    return sum(this.#living().map(({ inFlight }) => inFlight));
  }

  get heapBytes(): number {
    return Math.max(0, ...this.#living().map(({ heapBytes }) => heapBytes));
  }

  threads(): readonly ThreadView[] {
    return this.#slots.map((slot) => ({
      thread: slot.thread,
      state: stateOf(slot),
      connections: slot.life?.connections ?? 0,
      moving: slot.life?.moving ?? 0,
      inFlight: slot.life?.inFlight ?? 0,
      overloaded: slot.life?.overloaded ?? false,
      deaths: slot.deaths,
    }));
  }

  async listen(): Promise<{ readonly address: string } | { readonly problem: string }> {
    const { grpc } = this.#options.settings;
    // INVARIANT: `weir serve` gives a Unix socket one thread.
    if (grpc.kind === "unix") throw new Error("threads cannot share a Unix socket");
    const claim = await claimPort(grpc);
    if ("problem" in claim) return claim;
    this.#claim = claim;
    for (const life of this.#living()) this.#listenIfAble(life);
    await this.#until(() => this.#problem !== undefined || this.#allListen());
    return this.#problem === undefined ? { address: formatAddress(claim.address) } : { problem: this.#problem };
  }

  useCertificates(material: TlsMaterial): void {
    this.#material = material;
    this.#toAll({ kind: "certificates", material });
  }

  async flush(): Promise<void> {
    this.#flushes += 1;
    const flush = this.#flushes;
    const asked = this.#living().filter(({ ready }) => ready);
    for (const life of asked) life.post({ kind: "flush", flush });
    const late = () => this.#living().filter((life) => asked.includes(life) && life.flushed < flush);
    await this.#until(() => late().length === 0, FLUSH_LIMIT_MS);
    for (const _ of late()) this.#options.metrics.workerLate();
  }

  async drain(graceMs: number): Promise<void> {
    this.#end();
    this.#toAll({ kind: "drain", graceMs });
    await this.#until(() => this.#living().every(({ drained }) => drained), graceMs + LAST_GRACE_MS);
  }

  async close(): Promise<void> {
    this.#end();
    clearInterval(this.#looking);
    // A thread that has not served has nothing to hand over.
    for (const life of this.#living()) if (!life.listening) life.end(undefined);
    this.#toAll({ kind: "close" });
    await this.#until(() => this.#living().every(({ closed }) => closed), LAST_GRACE_MS);
    for (const life of this.#living()) life.end("it did not end when it was asked to");
    await this.#until(() => this.#living().length === 0);
    this.#switchover.close();
    this.#claim?.release();
  }

  /** Nobody who dies from here on has a successor. */
  #end(): void {
    this.#ending = true;
    for (const slot of this.#slots) clearTimeout(slot.timer);
  }

  #living(): readonly Life[] {
    return this.#slots.flatMap(({ life }) => (life ? [life] : []));
  }

  #toAll(message: ToThread): void {
    for (const life of this.#living()) life.post(message);
  }

  #bear(slot: Slot): void {
    const { settings, spawn, logLevel, clock, recording, threads } = this.#options;
    this.#lives += 1;
    const life = new Life({
      spawn,
      services: this.#services,
      data: {
        thread: slot.thread,
        settings: {
          ...settings,
          tls: settings.tls && { ...settings.tls, material: this.#material ?? settings.tls.material },
          idPrefix: `${settings.idPrefix}${this.#lives.toString(36)}`,
          maxInFlight: Math.ceil(settings.maxInFlight / threads),
        },
        logLevel,
        records: recording !== undefined,
        word: this.#word,
      },
    });
    slot.life = life;
    slot.bornMs = clock.monotonicMs();
    life.port.onMessage((message) => this.#guarded(() => this.#take(life, message)));
    life.port.onExit((error) => this.#guarded(() => this.#died(slot, life, error)));
  }

  /** A bug of ours here must not end the process. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#options.metrics.failed("supervisor", error);
    }
    for (const look of [...this.#waiting]) look();
  }

  #take(life: Life, message: FromThread): void {
    switch (message.kind) {
      case "ready":
        life.ready = true;
        this.#switchover.joined(life);
        return;
      case "prepared":
        this.#switchover.prepared(life, message.generation);
        // The last one to prepare may have made them all able to.
        for (const one of this.#living()) this.#listenIfAble(one);
        return;
      case "not-prepared":
        this.#switchover.notPrepared(life, message.generation, message.problem);
        return;
      case "released":
        this.#switchover.released(life, message.generation);
        return;
      case "listening":
        life.listening = true;
        return;
      case "not-listening":
        this.#problem ??= message.problem;
        life.end(message.problem);
        return;
      case "work":
        life.desk.do(message);
        return;
      case "counted":
        this.#options.metrics.absorb(message.metrics);
        life.counted(message);
        return;
      case "failing":
        life.trouble ??= message.problem;
        return;
      case "drained":
        life.drained = true;
        return;
      case "closed":
        life.closed = true;
    }
  }

  #listenIfAble(life: Life): void {
    if (this.#claim === undefined || this.#ending || life.asked || !this.#switchover.canServe(life)) return;
    life.asked = true;
    life.post({ kind: "listen", port: this.#claim.address.port });
  }

  /** Those between two lives are not waited for, but one at least must be there. */
  #allListen(): boolean {
    const living = this.#living();
    const hopeless = this.#slots.every(({ failed }) => failed);
    return hopeless || (living.length > 0 && living.every(({ listening }) => listening));
  }

  #died(slot: Slot, life: Life, error: Error | undefined): void {
    slot.life = undefined;
    life.ended();
    this.#switchover.died(life);
    if (this.#ending && (life.closed || !life.listening)) return;
    const { metrics, log, clock } = this.#options;
    const losses = life.losses();
    metrics.workerEnded(losses);
    if (clock.monotonicMs() - slot.bornMs > FORGIVEN_AFTER_MS) slot.deaths = 0;
    slot.deaths += 1;
    const facts = { thread: slot.thread, why: life.trouble ?? "it failed", error, lost: losses };
    if (this.#ending) log.error("a request thread died while it was being ended", facts);
    else if (slot.deaths > MAX_DEATHS_IN_A_ROW) this.#giveUp(slot, facts);
    else this.#succeed(slot, facts);
  }

  #succeed(slot: Slot, facts: object): void {
    const delayMs = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (slot.deaths - 1));
    this.#options.log.error("a request thread died, another takes its place", { ...facts, delayMs });
    slot.timer = setTimeout(() => this.#guarded(() => this.#bear(slot)), delayMs);
  }

  #giveUp(slot: Slot, facts: object): void {
    slot.failed = true;
    const left = this.#slots.filter(({ failed }) => !failed).length;
    this.#options.log.error("a request thread keeps dying and is given up", { ...facts, left });
    this.#switchover.gaveUp(slot.thread);
    if (left === 0) this.#options.abandoned();
  }

  #look(): void {
    for (const life of this.#living()) {
      const trouble = life.look();
      if (trouble !== undefined) life.end(trouble);
    }
    this.#rebalance();
  }

  #rebalance(): void {
    const living = this.#living();
    // Connections come and go by themselves while a thread is missing.
    if (
      this.#ending ||
      living.length < this.#slots.filter(({ failed }) => !failed).length ||
      !living.every(({ listening }) => listening)
    )
      return;
    const move = this.#balance.next(living.map(({ connections, moving }) => connections - moving));
    if (move) living[move.from]?.post({ kind: "move-away", connections: move.connections });
  }

  #makeServices(): DeskServices {
    const { clock, recording, masks, metrics, lost, line } = this.#options;
    const reports = new ReportIds(() => clock.monotonicMs());
    const settings = maskSettings(masks);
    return {
      handlersOf: (generation) => this.#switchover.handlersOf(generation),
      lost,
      reports,
      line,
      record: (message) =>
        recording ? recording.write({ ...message, settings: settings() }) : metrics.recorded("dropped", 1),
    };
  }

  /** Resolves when something has become true, at the latest after `ms`. */
  #until(isTrue: () => boolean, ms?: number): Promise<void> {
    if (isTrue()) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = ms === undefined ? undefined : setTimeout(() => finish(), ms);
    const finish = (): void => {
      clearTimeout(timer);
      this.#waiting.delete(look);
      resolve();
    };
    const look = (): void => {
      if (isTrue()) finish();
    };
    this.#waiting.add(look);
    return promise;
  }
}

function stateOf({ life, failed }: Slot): WorkerState {
  if (failed) return "failed";
  if (life === undefined) return "restarting";
  return life.listening ? "serving" : "starting";
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
