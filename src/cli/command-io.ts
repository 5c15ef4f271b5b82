import type { LogLevel, OpenLog } from "../telemetry/index.ts";
import type { ExitCode } from "./exit-codes.ts";

/** What a command has of the process it runs in. */
export interface CommandIo {
  /** Standard output: data. */
  out(text: string): void;
  /** Standard error: talk. */
  err(text: string): void;
  /** Whether escape sequences are wanted there. */
  readonly color: { readonly out: boolean; readonly err: boolean };
  /** Standard input as it comes; ends early when somebody asks the process to end. */
  stdin(): AsyncIterable<Uint8Array>;
  /** Waits until what was put out is on its way: for commands that put out much. False: nobody wants more. */
  drained(): Promise<boolean>;
  /** A log on standard error. */
  openLog(level: LogLevel): Pick<OpenLog, "log" | "line">;
  /** Aborted when somebody asks the process to end. */
  readonly stop: AbortSignal;
  /** Weir's own version. */
  readonly version: string;
}

/** What a command does with its exit code. */
export type Finish = (code: ExitCode) => void;
