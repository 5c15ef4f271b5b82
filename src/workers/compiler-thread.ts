import { parentPort, workerData } from "node:worker_threads";
import { InlineCompiler } from "../engine/folder-compiler.ts";
import { DirectoryStore } from "../policy/store.ts";
import { Collector } from "./collect-garbage.ts";
import type { Answer, CompilerData, FromCompiler, Question, ToCompiler } from "./compiler-protocol.ts";

/** Where the compiler thread begins; `compiler.ts` starts it. */

if (parentPort === null) throw new Error("this file is the beginning of a thread");
const port = parentPort;
// What `compiler.ts` gave: both sides are of one build.
const { folder, pollMs } = workerData as CompilerData;
const compiler = new InlineCompiler(new DirectoryStore(folder, pollMs === undefined ? {} : { pollMs }));
const garbage = new Collector();
let looked: () => void = () => undefined;

port.on("message", (message: ToCompiler) => {
  switch (message.kind) {
    case "ask":
      return void answer(message.number, message.question);
    case "watch":
      return void watch();
    case "looked":
      return looked();
  }
});

async function answer(number: number, question: Question): Promise<void> {
  try {
    say({ kind: "answer", number, answer: await answerTo(question) });
    if (question.kind === "compile") giveBackLater();
  } catch (error) {
    say({ kind: "failed", number, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

function answerTo(question: Question): Promise<Answer> {
  switch (question.kind) {
    case "read":
      return compiler.read();
    case "compile":
      return compiler.compile();
    case "place":
      return compiler.place(question.issues);
  }
}

/** An exception in here ends the thread, which is what a bug of ours should do: another takes its place. */
async function watch(): Promise<void> {
  await compiler.watch({
    onChange: () =>
      new Promise<void>((resolve) => {
        looked = resolve;
        say({ kind: "changed" });
      }),
    onDegraded: (reason) => say({ kind: "degraded", reason }),
    // Whoever ends the watching ends the thread.
    signal: new AbortController().signal,
  });
}

/**
 * There may be no other edit for days, and nobody waits here. At the start at once, while what was compiled is put in place by one thread: what
 * this one has, the process has when it begins to serve. Later whoever serves needs the processors to put it there, and has by then.
 */
const GIVE_BACK_AFTER_MS = 1_000;
let givingBack: NodeJS.Timeout | undefined;

function giveBackLater(): void {
  const afterMs = givingBack === undefined ? 0 : GIVE_BACK_AFTER_MS;
  clearTimeout(givingBack);
  givingBack = setTimeout(() => garbage.all(), afterMs);
}

/** Each look at the folder makes a little that is new, and there is much room for it. Milliseconds. */
const EMPTIED_EVERY_MS = 1_000;
setInterval(() => garbage.young(), EMPTIED_EVERY_MS);

function say(message: FromCompiler): void {
  port.postMessage(message);
}
