import { destination, type Logger, pino, stdSerializers, stdTimeFunctions } from "pino";
import type { Log, LogFacts, LogLevel } from "./log.ts";

/** Lines that wait because standard error is not read; what comes after is dropped, so that logging never blocks a request. In bytes. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

export interface OpenLog {
  readonly log: Log;
  /** Writes a line that was made by a log elsewhere. */
  line(text: string): void;
  /** Writes what waits, at once: before the process ends. */
  flush(): void;
}

/** @param fd where the lines go: 2 is standard error. Never 1. */
export function openLog(level: LogLevel, fd: number): OpenLog {
  const sink = destination({ dest: fd, sync: false, maxLength: MAX_WAITING_BYTES });
  // A reader that went away (`weir serve 2>&1 | head`) must not end the process.
  sink.on("error", () => undefined);
  return { log: logTo(level, sink), line: (text) => void sink.write(text), flush: () => flush(sink) };
}

function flush(sink: ReturnType<typeof destination>): void {
  try {
    sink.flushSync();
  } catch (error) {
    // The reader has gone, and with it the only place to say so.
    if (!(error instanceof Error && "code" in error)) throw error;
  }
}

/** @param sink takes whole lines. */
export function logTo(level: LogLevel, sink: { write(line: string): void }): Log {
  const logger = pino(
    {
      level,
      base: null,
      messageKey: "message",
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: stdSerializers.errWithCause },
    },
    sink,
  );
  return wrap(logger);
}

function wrap(logger: Logger): Log {
  return {
    debug: (message, facts) => logger.debug(facts ?? NO_FACTS, message),
    info: (message, facts) => logger.info(facts ?? NO_FACTS, message),
    warn: (message, facts) => logger.warn(facts ?? NO_FACTS, message),
    error: (message, facts) => logger.error(facts ?? NO_FACTS, message),
    with: (facts) => wrap(logger.child(facts)),
  };
}

const NO_FACTS: LogFacts = {};
