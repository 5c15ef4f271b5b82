/**
 * A front door: bytes in, bytes out. A door knows nothing of gRPC; what carries it is a matter of `wire`: `unary.ts` and `carry.ts` today.
 */
export type Door = UnaryDoor | StreamDoor;

export interface UnaryDoor {
  readonly kind: "unary";
  /** The full gRPC path: `/envoy.service.auth.v3.Authorization/Check`. */
  readonly path: string;
  /** Answers without a promise when nothing had to wait. Never throws for what a message holds. */
  handle(message: Uint8Array, call: Call): Reply | Promise<Reply>;
}

export interface StreamDoor {
  readonly kind: "stream";
  readonly path: string;
  /** A client opened a stream. Nothing is sent or closed before this has returned. */
  open(call: Call, stream: OpenStream): StreamHandler;
}

/** A stream as its handler speaks to it. When it is over, none of this does anything. */
export interface OpenStream {
  /** @returns false when the client does not read what it was sent: say no more until `drained`. No message comes meanwhile. */
  send(message: Uint8Array): boolean;
  /** No message comes until `resume`: what the client sends waits with the client. */
  pause(): void;
  resume(): void;
  /** Does it when everything that arrived in this turn of the event loop has been handed over: answers of one turn can share a message. */
  afterTurn(work: () => void): void;
  /** Ends the stream although the client has more to send. */
  close(reply: Reply): void;
}

export interface StreamHandler {
  message(bytes: Uint8Array): void;
  /** What was sent is being read, after `send` said that it was not. */
  drained?(): void;
  /**
   * The client has sent everything, or we are shutting down: then messages that have arrived already may still come. The returned reply ends
   * the stream.
   */
  end(): Reply | Promise<Reply>;
  /** The client went away. */
  cancel(): void;
}

/** The answer to a call: bytes, or a gRPC status where no answer can be given. `ok` ends a stream that has nothing more to say. */
export type Reply =
  | { readonly kind: "message"; readonly bytes: Uint8Array }
  | { readonly kind: "status"; readonly code: StatusCode; readonly message: string };

/** gRPC status codes by number, the ones we use. */
export const STATUS = {
  ok: 0,
  cancelled: 1,
  invalidArgument: 3,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;
export type StatusCode = (typeof STATUS)[keyof typeof STATUS];

/** What is known of a call besides its bytes. */
export interface Call {
  readonly peer: Peer;
  /** Monotonic milliseconds (`performance.now()` scale) by which the caller wants the answer; undefined when it did not say. */
  readonly deadlineMs: number | undefined;
  /** Aborted when the caller went away, the deadline passed or the process gave up draining. */
  readonly signal: AbortSignal;
  /** @returns the first value of a metadata key (lower case), undefined when it is not there. */
  metadata(key: string): string | undefined;
  /** Monotonic milliseconds (`performance.now()` scale) at which the message arrived. */
  readonly arrivedMs: number;
}

/** The client of our own listener, taken from the connection, never from a message. */
export interface Peer {
  /** `127.0.0.1:53211`, or `unix:` for a Unix socket. */
  readonly address: string;
  /** The certificate's SPIFFE URI (or first URI, DNS name, subject); undefined without mTLS. */
  readonly principal: string | undefined;
  /** On loopback or a Unix socket: all grants. */
  readonly local: boolean;
}
