/** The process that asks: it takes one job at a time from the one that started it, and sends back what became of it. */
import type { Job } from "./job.ts";
import { messageSource } from "./messages.ts";
import { runLoad } from "./run-load.ts";
import { askOnce, runReload } from "./run-reload.ts";

const messages = messageSource();

function run(job: Job): Promise<unknown> {
  switch (job.kind) {
    case "load":
      return runLoad(job, messages);
    case "reload":
      return runReload(job, messages);
    case "first-answer":
      return askOnce(job, messages);
  }
}

process.on("message", (job: Job) => {
  run(job).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ problem: error instanceof Error ? error.message : String(error) }),
  );
});
