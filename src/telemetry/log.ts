/**
 * What happened, for people who run Weir. One sentence and the facts beside it; never a secret, never a value of a request that `mask:`
 * hides. Goes to standard error, one line of JSON each; standard output belongs to the command.
 */
export interface Log {
  debug(message: string, facts?: LogFacts): void;
  info(message: string, facts?: LogFacts): void;
  warn(message: string, facts?: LogFacts): void;
  error(message: string, facts?: LogFacts): void;
  /** @returns a log that says `facts` in every line. */
  with(facts: LogFacts): Log;
}

/** `error` may hold anything that was thrown: message, stack and causes are written out. */
export type LogFacts = Readonly<Record<string, unknown>>;

/** From the most to the fewest words. */
export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Keeps nothing: for code that is run without anybody listening. */
export const SILENT: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => SILENT,
};
