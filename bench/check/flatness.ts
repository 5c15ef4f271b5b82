import type { Generator } from "./load/generator.ts";
import { memoryOf } from "./process-usage.ts";
import type { Server } from "./servers/server.ts";
import { ask, type Subject } from "./subjects.ts";

/** How much memory a server has as it goes on answering. */
export interface Flatness {
  readonly checks: number;
  /** After the first quarter, when the heap has the room that so many calls at a time need, and at the end. */
  readonly earlyMib: number;
  readonly lateMib: number;
}

const PART_MS = 2_000;

/** Asks as much as the server can take until it has answered so many checks. */
export async function measureFlatness(
  generator: Generator,
  subject: Subject,
  server: Server,
  checks: number,
): Promise<Flatness> {
  let answered = 0;
  let earlyMib: number | undefined;
  for (let part = 1; answered < checks; part++) {
    const { perSecond, measuredMs } = await ask(
      generator,
      subject,
      server,
      "saturated",
      { warmUpMs: 0, measureMs: PART_MS },
      part,
    );
    if (!(perSecond > 0)) throw new Error(`${subject.name} does not answer any more`);
    answered += Math.round((perSecond * measuredMs) / 1_000);
    if (answered >= checks / 4) earlyMib ??= memoryOf(server.pid).rssMib;
  }
  const lateMib = memoryOf(server.pid).rssMib;
  return { checks: answered, earlyMib: earlyMib ?? lateMib, lateMib };
}
