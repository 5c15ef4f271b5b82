import { type ClientHttp2Session, connect, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { service as healthService } from "grpc-health-check";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { clientOf, ECHO, echo, message, say, serve } from "../../test/wire/echo-server.ts";
import { Overload } from "./overload.ts";
import type { RunningServer } from "./server.ts";

/** What one call keeps the processor for: more than three milliseconds, however fast the machine is. */
const WORK_MS = 3;
const CALLERS = 6;
const CALLS_EACH = 20;

function work(): void {
  const untilMs = performance.now() + WORK_MS;
  while (performance.now() < untilMs);
}

const slowDoor = echo((text) => {
  if (text !== "quick") work();
  return message("ok");
});

const OVERLOADED = "14";

interface Answer {
  readonly status: string;
  readonly headers: IncomingHttpHeaders;
}

/** A client that keeps `calls` calls open on one connection, and opens another when it is sent away. */
class Caller {
  readonly answers: Answer[] = [];
  readonly #address: string;
  readonly #path: string;
  #session: ClientHttp2Session | undefined;
  #stopped = false;
  sentAway = 0;

  constructor(server: RunningServer, path = ECHO) {
    this.#address = server.address;
    this.#path = path;
    onTestFinished(() => this.stop());
  }

  start(calls: number): void {
    for (let n = 0; n < calls; n += 1) void this.#callOn();
  }

  stop(): void {
    this.#stopped = true;
    this.#session?.destroy();
  }

  async #callOn(): Promise<void> {
    while (!this.#stopped) this.answers.push(await this.#call());
  }

  #call(): Promise<Answer> {
    const session = this.#usable();
    return new Promise((resolve) => {
      const stream = session.request({ ":method": "POST", ":path": this.#path, "content-type": "application/grpc" });
      let headers: IncomingHttpHeaders = {};
      stream.on("response", (came) => {
        headers = { ...came };
      });
      stream.on("trailers", (came) => {
        headers = { ...headers, ...came };
      });
      stream.on("error", () => undefined);
      stream.on("close", () => resolve({ status: String(headers["grpc-status"] ?? "lost"), headers }));
      stream.resume();
      stream.end(Buffer.alloc(5));
    });
  }

  #usable(): ClientHttp2Session {
    if (this.#session !== undefined && !this.#session.closed && !this.#session.destroyed) return this.#session;
    const session = connect(`http://${this.#address}`);
    session.on("error", () => undefined);
    session.on("goaway", () => {
      this.sentAway += 1;
      session.close();
    });
    this.#session = session;
    return session;
  }
}

async function until(true_: () => boolean): Promise<void> {
  while (!true_()) await new Promise((resolve) => setImmediate(resolve));
}

const limits = { overloadDelayMs: 50, overloadRetryMs: 700 };

describe("a loop that comes late", () => {
  /** @returns after how many of its looks, of which ten make an interval at the least, it is said to be too much. */
  function looksUntilOverload(cpuShare: number): number {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    let nowMs = 0;
    const overload = new Overload({
      limits,
      events: { refused: () => undefined, sentAway: () => undefined, began: () => undefined, ended: () => undefined },
      connections: () => 8,
      monotonicMs: () => nowMs,
      utilization: () => ({ idle: 0, active: 1, utilization: 1 }),
      cpuMs: () => nowMs * cpuShare,
    });
    onTestFinished(() => overload.stop());
    const noStream: ServerHttp2Stream = Object.create(null);
    for (let looks = 0; ; looks += 1) {
      if (overload.now || looks > 1_000) return looks;
      for (let call = 0; call < 40; call += 1) overload.stream(noStream, {}, () => undefined);
      // It comes 80 ms after it should have.
      nowMs += 90;
      vi.advanceTimersByTime(10);
    }
  }

  test("is an overload at once when it is at work, and after a while when others have the processor", () => {
    const atWork = looksUntilOverload(1);
    const heldUp = looksUntilOverload(0.3);
    expect(atWork).toBeLessThan(4);
    expect(heldUp).toBeGreaterThan(3 * atWork);
    expect(heldUp).toBeLessThan(20);
  });
});

describe("an overload", () => {
  test("refuses calls at once, with a hint when to try again, and goes on answering others in time", async () => {
    const { server, refused } = await serve([slowDoor], { limits });
    const callers = Array.from({ length: CALLERS }, () => new Caller(server));
    for (const caller of callers) caller.start(CALLS_EACH);
    const all = (): readonly Answer[] => callers.flatMap(({ answers }) => answers);
    await until(() => all().some(({ status }) => status === OVERLOADED));
    const before = all().filter(({ status }) => status === "0").length;
    await until(() => all().filter(({ status }) => status === "0").length > before + 50);
    expect(all().find(({ status }) => status === OVERLOADED)?.headers).toMatchObject({
      ":status": 200,
      "content-type": "application/grpc",
      "grpc-message": "overloaded, try again later",
      "grpc-retry-pushback-ms": "700",
    });
    expect(new Set(refused)).toEqual(new Set(["overload"]));
  });

  test("never refuses a health check", async () => {
    const { server } = await serve([slowDoor], { limits });
    const callers = Array.from({ length: CALLERS }, () => new Caller(server));
    for (const caller of callers) caller.start(CALLS_EACH);
    const prober = new Caller(server, healthService["Check"]?.path);
    prober.start(1);
    await until(() => callers.some(({ answers }) => answers.some(({ status }) => status === OVERLOADED)));
    const before = prober.answers.length;
    await until(() => prober.answers.length > before + 5);
    // Whose connection waits for its turn is late, and not refused.
    expect(new Set(prober.answers.map(({ status }) => status))).toEqual(new Set(["0"]));
  });

  test("ends when the load does: then nobody is refused", async () => {
    const { server, refused } = await serve([slowDoor], { limits });
    const callers = Array.from({ length: CALLERS }, () => new Caller(server));
    for (const caller of callers) caller.start(CALLS_EACH);
    await until(() => refused.length > 0);
    for (const caller of callers) caller.stop();
    const client = clientOf(server);
    const quick = async (): Promise<boolean> => "bytes" in (await say(client, "quick"));
    while (!(await quick()));
    await until(() => !server.overloaded);
    const count = refused.length;
    for (let n = 0; n < 200; n += 1) expect(await quick()).toBe(true);
    expect(refused.length).toBe(count);
  });

  test("is none where it is switched off", async () => {
    const { server, refused } = await serve([slowDoor], { limits: { ...limits, overloadDelayMs: 0 } });
    const callers = Array.from({ length: CALLERS }, () => new Caller(server));
    for (const caller of callers) caller.start(CALLS_EACH);
    const answered = (): number => callers.flatMap(({ answers }) => answers).length;
    await until(() => answered() > 3 * CALLERS * CALLS_EACH);
    expect(refused).toEqual([]);
  });
});
