import type { CommandIo } from "../../src/cli/command-io.ts";
import { runCommand } from "../../src/cli/program.ts";

export interface RanWith {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs one command within this process, with this on standard input. @param more in place of what such a command usually has. */
export async function runWith(
  args: readonly string[],
  input: string | readonly Uint8Array[] = "",
  more: Partial<CommandIo> = {},
): Promise<RanWith> {
  let out = "";
  let err = "";
  const io: CommandIo = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    color: { out: false, err: false },
    stdin: () => inPieces(typeof input === "string" ? [Buffer.from(input)] : input),
    drained: async () => true,
    openLog: () => {
      throw new Error("this command writes a log");
    },
    stop: new AbortController().signal,
    version: "0.0.0",
    ...more,
  };
  const code = await runCommand(args, io);
  return { code, out, err };
}

async function* inPieces(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}
