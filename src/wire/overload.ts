import { constants, type Http2Session, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { EventLoopUtilization } from "node:perf_hooks";
import { STATUS } from "./door.ts";
import { type CarryStream, nobodyAsks } from "./http2-server.ts";
import type { WireLimits } from "./limits.ts";

/** What is told of an overload; calls that were refused are counted one by one. */
export interface OverloadEvents {
  refused(): void;
  /** This connection goes on calling although it is refused: no more calls of it are wanted, and no new connection of its client for a while. */
  sentAway(session: Http2Session): void;
  /** `delayMs`: how late the event loop came at the least, for as long as it takes to be sure. */
  began(delayMs: number): void;
  ended(lastedMs: number, refused: number): void;
}

export interface OverloadOptions {
  readonly limits: Pick<WireLimits, "overloadDelayMs" | "overloadRetryMs">;
  readonly events: OverloadEvents;
  /** How many there are. */
  readonly connections: () => number;
  readonly monotonicMs: () => number;
  /** As `performance.eventLoopUtilization`. */
  readonly utilization: (now?: EventLoopUtilization, before?: EventLoopUtilization) => EventLoopUtilization;
  /** Processor time that this thread has had. Milliseconds. */
  readonly cpuMs: () => number;
}

/** How often it is looked whether the event loop comes late, while there are calls. Milliseconds. */
const TICK_MS = 10;

/**
 * For so long the loop has to be late every time: one long turn is no overload, a queue that stands is. (The least delay in an interval, not the
 * mean, is what CoDel judges queues by.) Milliseconds.
 */
const INTERVAL_MS = 100;
const LEAST_TICKS = 2;

/** Below this share of time at work there is no overload, however late a timer is: others have the processor. */
const BUSY = 0.9;

/**
 * A thread that gets less of a processor than this is held up by others. That is no load of ours, and mostly soon over: it is an overload only
 * when it lasts for so many intervals.
 */
const HELD_UP = 0.6;
const HELD_UP_INTERVALS = 5;

/** So many are served when an overload begins, and more soon if there is time: what has piled up until then has to be got rid of first. */
const FIRST_PART = 1 / 8;

/** How the number of connections that are served is corrected after each interval. */
const LESS = 0.8;
/** When the loop is later than so many times what is allowed. */
const MUCH_LESS = 0.5;
const MUCH_TOO_LATE = 3;
const MORE = 1.03;
/** When there is time to spare. */
const MUCH_MORE = 1.4;
const LEAST_SERVED = 0.05;

/** So many intervals in which nobody was refused end an overload. */
const INTERVALS_AT_PEACE = 3;

/** One connection that is served gives its place to another so often. Milliseconds. */
const ROTATE_MS = 2_000;

/**
 * A connection that begins to be served may have a queue in its client that waits since long: it is refused for so long, so that those who come
 * after have their time before them. Milliseconds.
 */
const FLUSH_MS = 60;

/** Of the calls that are admitted, so many may be taken back before they are answered. */
const STALE_PART = 0.2;

/** So many calls in an interval are shared out among all connections: who asks little is not refused because others ask much. */
const LIGHT_CALLS = 50;

/** A connection that had so many calls refused within an interval is one that refusing does not hold back. */
const HEAVY_CALLS = 30;

/**
 * Sheds load when the event loop cannot keep up. To refuse a call costs a fifth of answering it, so whoever refuses each call that is too much
 * soon does nothing else; and a caller whose calls queue up sends the oldest first, those that are about to time out, and takes them back.
 * So whole connections are served or not: calls on those that are find no queue. Of the others calls are refused at once; one that goes on
 * nevertheless is sent away and has to wait before its next connection is read, which keeps its calls where they cost nothing. Everybody's
 * turn comes.
 */
export class Overload {
  readonly #options: OverloadOptions;
  readonly #refusal: Readonly<Record<string, string | number>>;
  #lanes = new Map<Http2Session, Lane>();
  #timer: NodeJS.Timeout | undefined;
  #dueMs = 0;
  #intervalBeganMs = 0;
  #ticks = 0;
  #leastDelayMs = Number.POSITIVE_INFINITY;
  #usedBefore: EventLoopUtilization;
  #cpuBeforeMs = 0;
  /** Intervals in a row in which the loop was late. */
  #lateIntervals = 0;
  /** Since the last interval. */
  #calls = 0;
  #takenBack = 0;
  /** How many connections are served, not always a whole number; undefined without an overload. */
  #target: number | undefined;
  #served = 0;
  /** Of calls on connections that are served, what part is admitted; and how much of a call is owed. */
  #admitted = 1;
  #owed = 0;
  /** So many calls of each connection are always admitted in an interval. */
  #light = 0;
  #peace = 0;
  #refusedBefore = 0;
  #rotatedMs = 0;
  #beganMs = 0;
  #refused = 0;

  constructor(options: OverloadOptions) {
    this.#options = options;
    this.#usedBefore = options.utilization();
    this.#refusal = {
      [constants.HTTP2_HEADER_STATUS]: constants.HTTP_STATUS_OK,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: "application/grpc",
      "grpc-status": STATUS.unavailable,
      "grpc-message": "overloaded, try again later",
      "grpc-retry-pushback-ms": options.limits.overloadRetryMs,
    };
  }

  /** Calls are being refused. */
  get now(): boolean {
    return this.#target !== undefined;
  }

  /** A call begins: it is carried, or refused at once. */
  stream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, carry: CarryStream): void {
    this.#calls += 1;
    if (this.#timer === undefined && this.#options.limits.overloadDelayMs > 0) this.#watch();
    if (this.#target === undefined) {
      carry(stream, headers);
      return;
    }
    const lane = stream.session === undefined ? undefined : this.#laneOf(stream.session);
    if (lane === undefined || !this.#admits(lane)) {
      this.#refuse(stream);
      return;
    }
    carry(stream, headers);
  }

  /** A caller takes back a call before it was answered. */
  takenBack(session: Http2Session): void {
    this.#takenBack += 1;
    const lane = this.#lanes.get(session);
    if (lane !== undefined) lane.takenBack += 1;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #admits(lane: Lane): boolean {
    lane.calls += 1;
    if (lane.calls <= this.#light) return true;
    if (lane.state === "served") {
      this.#owed += this.#admitted;
      if (this.#owed < 1) return false;
      this.#owed -= 1;
      return true;
    }
    if (lane.state === "refused" && lane.calls >= HEAVY_CALLS) {
      lane.state = "sent-away";
      this.#options.events.sentAway(lane.session);
    }
    return false;
  }

  #laneOf(session: Http2Session): Lane {
    const known = this.#lanes.get(session);
    if (known !== undefined) return known;
    const lane: Lane = {
      session,
      state: "refused",
      sinceMs: this.#options.monotonicMs(),
      calls: 0,
      takenBack: 0,
      idle: 0,
    };
    this.#lanes.set(session, lane);
    if (this.#served < Math.ceil(this.#target ?? 0)) {
      lane.state = "flushing";
      this.#served += 1;
    }
    return lane;
  }

  #refuse(stream: ServerHttp2Stream): void {
    this.#refused += 1;
    this.#options.events.refused();
    stream.on("error", nobodyAsks);
    // Its client took it back already.
    if (stream.destroyed || stream.closed) return;
    stream.respond(this.#refusal, { endStream: true });
    // What it was to say is let go.
    stream.resume();
  }

  #watch(): void {
    const nowMs = this.#options.monotonicMs();
    this.#intervalBeganMs = nowMs;
    this.#leastDelayMs = Number.POSITIVE_INFINITY;
    this.#ticks = 0;
    this.#usedBefore = this.#options.utilization();
    this.#cpuBeforeMs = this.#options.cpuMs();
    this.#lateIntervals = 0;
    this.#next(nowMs);
  }

  #next(nowMs: number): void {
    this.#dueMs = nowMs + TICK_MS;
    this.#timer = setTimeout(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  #tick(): void {
    const nowMs = this.#options.monotonicMs();
    this.#leastDelayMs = Math.min(this.#leastDelayMs, nowMs - this.#dueMs);
    this.#ticks += 1;
    const over = this.#ticks >= LEAST_TICKS && nowMs - this.#intervalBeganMs >= INTERVAL_MS;
    if (over && !this.#intervalEnds(nowMs)) return;
    this.#next(this.#options.monotonicMs());
  }

  /** @returns whether there is still something to watch. */
  #intervalEnds(nowMs: number): boolean {
    const used = this.#options.utilization();
    const { utilization } = this.#options.utilization(used, this.#usedBefore);
    const cpuMs = this.#options.cpuMs();
    const busy = utilization >= BUSY;
    const heldUp = cpuMs - this.#cpuBeforeMs < HELD_UP * (nowMs - this.#intervalBeganMs);
    const slow = this.#isSlow(busy, heldUp);
    const late = this.#flushStale(nowMs) || slow || (busy && this.#stale());
    if (this.#target !== undefined) this.#correct(this.#target, late, utilization, nowMs);
    else if (late) this.#begin(nowMs);
    if (this.#target !== undefined) this.#choose(this.#target, nowMs);
    const goesOn = this.#calls > 0 || this.#target !== undefined;
    this.#calls = 0;
    this.#takenBack = 0;
    this.#usedBefore = used;
    this.#cpuBeforeMs = cpuMs;
    this.#intervalBeganMs = nowMs;
    this.#leastDelayMs = Number.POSITIVE_INFINITY;
    this.#ticks = 0;
    if (!goesOn) this.#timer = undefined;
    return goesOn;
  }

  /** A queue of calls stands, and not because others have the processor for a moment. */
  #isSlow(busy: boolean, heldUp: boolean): boolean {
    const late = busy && this.#leastDelayMs > this.#options.limits.overloadDelayMs && this.#calls >= HEAVY_CALLS;
    this.#lateIntervals = late ? this.#lateIntervals + 1 : 0;
    return this.#lateIntervals >= (heldUp && !this.now ? HELD_UP_INTERVALS : 1);
  }

  #begin(nowMs: number): void {
    this.#beganMs = nowMs;
    this.#rotatedMs = nowMs;
    this.#refused = 0;
    this.#refusedBefore = 0;
    this.#peace = 0;
    this.#served = 0;
    this.#light = 0;
    // Nobody is known yet: those who call next are, one after the other.
    this.#target = Math.max(1, this.#options.connections() * FIRST_PART);
    this.#options.events.began(this.#leastDelayMs);
  }

  #correct(target: number, late: boolean, utilization: number, nowMs: number): void {
    const muchLess = this.#leastDelayMs > MUCH_TOO_LATE * this.#options.limits.overloadDelayMs;
    const less = muchLess ? MUCH_LESS : LESS;
    const factor = late ? less : utilization < BUSY ? MUCH_MORE : MORE;
    // More than there are need not be served.
    this.#target = Math.min(this.#options.connections() + 1, Math.max(LEAST_SERVED, target * factor));
    this.#peace = this.#refused === this.#refusedBefore ? this.#peace + 1 : 0;
    this.#refusedBefore = this.#refused;
    if (this.#peace < INTERVALS_AT_PEACE) return;
    this.#target = undefined;
    this.#lanes = new Map();
    this.#options.events.ended(nowMs - this.#beganMs, this.#refused);
  }

  /** Who is served until the next interval. */
  #choose(target: number, nowMs: number): void {
    const places = Math.ceil(target);
    const waits = this.#tidy(nowMs);
    const rotate = waits && nowMs - this.#rotatedMs >= ROTATE_MS;
    if (rotate) this.#rotatedMs = nowMs;
    // The one that is served for the longest time goes first: the map has them in the order in which they came.
    let surplus = this.#served - places + (rotate && this.#served > 0 ? 1 : 0);
    for (const [session, lane] of this.#lanes) {
      if (lane.state === "refused" && this.#served < places && !rotate) this.#serve(lane, nowMs);
      else if (surplus > 0 && (lane.state === "served" || lane.state === "flushing")) {
        surplus -= 1;
        this.#served -= 1;
        lane.state = "refused";
        // To the end of the line.
        this.#lanes.delete(session);
        this.#lanes.set(session, lane);
        if (surplus === 0) break;
      }
    }
    this.#admitted = this.#served < places ? 1 : target / places;
    this.#light = Math.floor(LIGHT_CALLS / this.#lanes.size);
  }

  #stale(): boolean {
    return this.#calls >= HEAVY_CALLS && this.#takenBack > this.#calls * STALE_PART;
  }

  /** Callers that take back what was admitted have a queue of their own, from which they send what is about to time out. @returns whether some do */
  #flushStale(nowMs: number): boolean {
    let stale = false;
    for (const lane of this.#lanes.values()) {
      if (lane.state === "served" && lane.takenBack > lane.calls * STALE_PART) {
        lane.state = "flushing";
        lane.sinceMs = nowMs;
        stale = true;
      }
      lane.takenBack = 0;
    }
    return stale;
  }

  #serve(lane: Lane, nowMs: number): void {
    lane.state = "flushing";
    lane.sinceMs = nowMs;
    this.#served += 1;
  }

  /** Forgets those who do not call any more. @returns whether somebody waits for a place. */
  #tidy(nowMs: number): boolean {
    let waits = false;
    for (const [session, lane] of this.#lanes) {
      lane.idle = lane.calls > 0 ? 0 : lane.idle + 1;
      lane.calls = 0;
      if (session.destroyed || lane.idle * INTERVAL_MS >= ROTATE_MS) {
        if (lane.state === "served" || lane.state === "flushing") this.#served -= 1;
        this.#lanes.delete(session);
      } else if (lane.state === "flushing" && nowMs - lane.sinceMs >= FLUSH_MS) lane.state = "served";
      else if (lane.state === "refused" || lane.state === "sent-away") waits = true;
    }
    return waits;
  }
}

/** One connection during an overload. */
interface Lane {
  readonly session: Http2Session;
  /** `flushing`: served in a moment, when what waited in its client was refused. */
  state: "refused" | "sent-away" | "flushing" | "served";
  sinceMs: number;
  /** Since the last interval. */
  calls: number;
  takenBack: number;
  /** Intervals without one. */
  idle: number;
}
