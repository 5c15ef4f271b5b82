import { ABSENT, Invalid, type Outcome } from "../attribute/value.ts";
import { LineTable } from "../diagnostics/position.ts";
import { eachNode, quoted } from "../expression/index.ts";
import type { Trace } from "../expression/trace.ts";
import type { ExpressionPlan, Place } from "../expression/tree.ts";
import { celText } from "./cel-text.ts";
import { writeTyped, writtenSize } from "./typed-values.ts";

/** UTF-16 units of a value in a line of a trace. */
const MAX_SHOWN = 120;
/** Of all values of a trace that are written for programs, each below its part, as `writtenSize` counts. */
const MAX_TRACED = 100_000;

/**
 * @returns a line for each part that was evaluated, what is inside of it below it and indented: where it stands, its text, and what it gave.
 * Parts that nobody needed are not there.
 */
export function traceText(trace: Trace, plan: ExpressionPlan): string {
  const view = new View(plan);
  const rows = view.rows(trace, 0);
  const width = Math.max(...rows.map(({ place }) => place.length));
  return rows.map(({ place, depth, text }) => `${place.padEnd(width)}  ${"  ".repeat(depth)}${text}\n`).join("");
}

interface Row {
  readonly place: string;
  readonly depth: number;
  readonly text: string;
}

class View {
  readonly #text: string;
  readonly #lines: LineTable;
  readonly #loops: ReadonlyMap<string, string>;

  constructor({ text, tree }: ExpressionPlan) {
    this.#text = text;
    this.#lines = new LineTable(text);
    this.#loops = loopsIn(tree);
  }

  rows({ at, outcome, steps, omitted }: Trace, depth: number): readonly Row[] {
    const own = { place: this.#place(at), depth, text: `${quoted(this.#text.slice(...at))} → ${shown(outcome)}` };
    const range = this.#loops.get(at.join());
    const inside = range === undefined ? this.#steps(steps, depth + 1) : this.#rounds(steps, range, depth + 1);
    const more = omitted === undefined ? [] : [{ place: "", depth: depth + 1, text: `… and ${omitted} more` }];
    return [own, ...inside, ...more];
  }

  #steps(steps: readonly Trace[], depth: number): readonly Row[] {
    return steps.flatMap((step) => this.rows(step, depth));
  }

  /** What is walked through comes first; a round begins where a part comes again. */
  #rounds(steps: readonly Trace[], range: string, depth: number): readonly Row[] {
    const rows: Row[] = [];
    const seen = new Set<string>();
    let round = 0;
    for (const [index, step] of steps.entries()) {
      const place = step.at.join();
      if (index === 0 && place === range) {
        rows.push(...this.rows(step, depth));
        continue;
      }
      if (round === 0 || seen.has(place)) {
        round++;
        seen.clear();
        rows.push({ place: "", depth, text: `round ${round}` });
      }
      seen.add(place);
      rows.push(...this.rows(step, depth + 1));
    }
    return rows;
  }

  #place([start, end]: Place): string {
    const from = this.#lines.position(start);
    const to = this.#lines.position(end);
    return `${from.line}:${from.column}-${to.line === from.line ? "" : `${to.line}:`}${to.column}`;
  }
}

/** By the place of a loop, that of what it walks through. */
function loopsIn(root: ExpressionPlan["tree"]): ReadonlyMap<string, string> {
  const loops = new Map<string, string>();
  eachNode(root, (tree) => {
    if (tree.op === "comprehension") loops.set(tree.at.join(), tree.range.at.join());
  });
  return loops;
}

function shown(outcome: Outcome): string {
  if (outcome === ABSENT) return "absent";
  if (outcome instanceof Invalid) return `error: ${outcome.reason}`;
  return celText(outcome, MAX_SHOWN);
}

/**
 * @returns the same for programs: offsets are UTF-16 units of the expression's text, the end exclusive. One value may come out of many parts:
 * when all together are too large to be written, the beginning of a value stands there as text.
 */
export function traceJson(trace: Trace): unknown {
  let left = MAX_TRACED;
  const json = ({ at, outcome, steps, omitted }: Trace): unknown => ({
    at,
    ...outcomeJson(outcome),
    steps: steps.map(json),
    ...(omitted === undefined ? {} : { omitted }),
  });
  const outcomeJson = (outcome: Outcome): Readonly<Record<string, unknown>> => {
    if (outcome === ABSENT) return { absent: true };
    if (outcome instanceof Invalid) return { error: outcome.reason };
    const size = writtenSize(outcome, left);
    if (size === undefined) return { text: celText(outcome, MAX_SHOWN) };
    left -= size;
    return { value: writeTyped(outcome) };
  };
  return json(trace);
}
