import { authzVerdict, eachStreamed, nativeVerdict, type Verdict } from "./answers.ts";
import { Connection, LOST, type StreamEvents } from "./connection.ts";
import type { Api } from "./job.ts";
import { callHeaders, type Message } from "./messages.ts";

/** One message on its way. */
export interface Sent {
  readonly message: Message;
  /** When it should have been sent, on the scale of `performance.now()`. */
  readonly intendedMs: number;
}

export interface PoolOptions {
  readonly port: number;
  readonly api: Api;
  readonly deadlineMs?: number | undefined;
  readonly connections: number;
  readonly inFlight: number;
  /** Told once per check. `status` is the gRPC status, or `LOST`; the verdict is that of an answer with status 0. */
  readonly answered: (sent: Sent, check: number, status: number, verdict: Verdict) => void;
  /** Told when a message is over: another one may be sent on that connection. */
  readonly free: (lane: Lane) => void;
}

/** One connection, or what takes its place when the server closes it. */
export interface Lane {
  /** Messages that may be sent now. */
  readonly room: number;
  send(sent: Sent): void;
  flush(): void;
}

export interface Pool extends Disposable {
  readonly lanes: readonly Lane[];
}

export async function openPool(options: PoolOptions): Promise<Pool> {
  const lanes: (UnaryLane | StreamLane)[] = [];
  for (let index = 0; index < options.connections; index++) {
    const connection = await Connection.open(options.port, callHeaders(options.api, options.deadlineMs));
    lanes.push(
      options.api === "native-stream" ? new StreamLane(options, connection) : new UnaryLane(options, connection),
    );
  }
  return {
    lanes,
    [Symbol.dispose]() {
      for (const lane of lanes) lane.close();
    },
  };
}

class UnaryLane implements Lane {
  readonly #options: PoolOptions;
  readonly #verdictOf: (bytes: Buffer) => Verdict;
  #connection: Connection;
  #reopening = false;
  #inFlight = 0;

  constructor(options: PoolOptions, connection: Connection) {
    this.#options = options;
    this.#connection = connection;
    this.#verdictOf = options.api === "native" ? nativeVerdict : authzVerdict;
  }

  get room(): number {
    if (this.#connection.over) return this.#reopen();
    return Math.min(this.#options.inFlight, this.#connection.concurrentStreams) - this.#inFlight;
  }

  send(sent: Sent): void {
    this.#inFlight++;
    this.#connection.call(
      sent.message.bytes,
      new UnaryCall(this.#verdictOf, (status, verdict) => {
        this.#inFlight--;
        this.#options.answered(sent, 0, status, verdict);
        this.#options.free(this);
      }),
    );
  }

  flush(): void {
    this.#connection.flush();
  }

  close(): void {
    this.#connection.close();
  }

  /** The server has said that it will close: what follows goes over another connection. @returns no room until that is there */
  #reopen(): number {
    if (this.#reopening) return 0;
    this.#reopening = true;
    const { port, api, deadlineMs, free } = this.#options;
    Connection.open(port, callHeaders(api, deadlineMs)).then(
      (connection) => {
        this.#connection = connection;
        this.#reopening = false;
        free(this);
        // No answer comes that would send along what was just asked.
        this.flush();
      },
      () => {
        // Nobody listens any more: checks go on waiting, and are counted as failed when the load ends.
      },
    );
    return 0;
  }
}

/** Waits for one answer. */
class UnaryCall implements StreamEvents {
  readonly #verdictOf: (bytes: Buffer) => Verdict;
  readonly #over: (status: number, verdict: Verdict) => void;
  #verdict: Verdict = "unreadable";

  constructor(verdictOf: (bytes: Buffer) => Verdict, over: (status: number, verdict: Verdict) => void) {
    this.#verdictOf = verdictOf;
    this.#over = over;
  }

  message(bytes: Buffer): void {
    this.#verdict = this.#verdictOf(bytes);
  }

  ended(status: number): void {
    this.#over(status, this.#verdict);
  }
}

class StreamLane implements Lane {
  readonly #options: PoolOptions;
  readonly #connection: Connection;
  readonly #send: (message: Uint8Array) => void;
  readonly #waiting = new Map<number, { readonly sent: Sent; readonly check: number }>();
  readonly #left = new Map<Sent, number>();
  #over = false;

  constructor(options: PoolOptions, connection: Connection) {
    this.#options = options;
    this.#connection = connection;
    this.#send = connection.stream({
      message: (bytes) => eachStreamed(bytes, (id, verdict) => this.#answered(id, verdict)),
      ended: (status) => this.#ended(status),
    });
  }

  get room(): number {
    return this.#over ? 0 : this.#options.inFlight - this.#left.size;
  }

  send(sent: Sent): void {
    for (const [check, { id }] of sent.message.checks.entries()) this.#waiting.set(id, { sent, check });
    this.#left.set(sent, sent.message.checks.length);
    this.#send(sent.message.bytes);
  }

  flush(): void {
    this.#connection.flush();
  }

  close(): void {
    this.#connection.close();
  }

  #answered(id: number, verdict: Verdict): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    const { sent, check } = waiting;
    const left = (this.#left.get(sent) ?? 1) - 1;
    this.#options.answered(sent, check, 0, verdict);
    if (left > 0) {
      this.#left.set(sent, left);
      return;
    }
    this.#left.delete(sent);
    this.#options.free(this);
  }

  #ended(status: number): void {
    this.#over = true;
    for (const { sent, check } of this.#waiting.values())
      this.#options.answered(sent, check, status === 0 ? LOST : status, "unreadable");
    this.#waiting.clear();
    this.#left.clear();
  }
}
