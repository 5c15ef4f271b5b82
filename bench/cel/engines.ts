import { celEnv, parse, plan } from "@bufbuild/cel";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Environment } from "@marcbachmann/cel-js";
import { bindReaders, readerSource } from "../../src/attribute/readers.ts";
import type { AttributeSource } from "../../src/attribute/source.ts";
import type { Evaluate } from "../../src/expression/frame.ts";
import { compileExpression, createFrame, link } from "../../src/expression/index.ts";
import { DEFAULT_BUDGET } from "../../src/expression/limits.ts";
import type { ExpressionPlan } from "../../src/expression/tree.ts";
import { EXPRESSIONS, type Measured } from "./expressions.ts";
import { type Context, contextOf, nestedOf, READERS, REQUESTS, TYPES } from "./requests.ts";

/** One way to evaluate an expression. `prepare` is what happens once; what it returns is measured, for requests by their number. */
export interface Engine {
  readonly name: string;
  readonly prepare: (measured: Measured) => (request: number) => boolean;
}

export const ENGINES: readonly Engine[] = [
  { name: "by hand", prepare: byHand },
  { name: "weir", prepare: weir },
  { name: "weir, once more", prepare: weirAgain },
  { name: "cel-js", prepare: celJs },
  { name: "@bufbuild/cel", prepare: bufbuild },
];

function byHand({ byHand }: Measured): (request: number) => boolean {
  return (request) => byHand(at(REQUESTS, request));
}

/** A source and a frame for each evaluation, as a Check makes one of each for all of its rules. */
function weir({ text }: Measured): (request: number) => boolean {
  const { evaluate, source, slots, derived } = linked(text);
  const contexts = REQUESTS.map(contextOf);
  return (request) =>
    evaluate(createFrame({ source: source(at(contexts, request)), slots, derived, record: false })) === true;
}

/** The closure alone, over frames that have read everything before: what one more rule of a Check costs. */
function weirAgain({ text }: Measured): (request: number) => boolean {
  const { evaluate, source, slots, derived } = linked(text);
  const frames = REQUESTS.map((request) =>
    createFrame({ source: source(contextOf(request)), slots, derived, record: false }),
  );
  return (request) => {
    const frame = at(frames, request);
    frame.budget = DEFAULT_BUDGET;
    return evaluate(frame) === true;
  };
}

interface Linked {
  readonly evaluate: Evaluate;
  readonly source: (context: Context) => AttributeSource;
  readonly slots: number;
  readonly derived: readonly undefined[];
}

/** As a snapshot of all measured expressions would: slots are the attributes that any of them reads, readers are bound to them once. */
function linked(text: string): Linked {
  const plans = EXPRESSIONS.map((one) => planOf(one.text));
  const names = [...new Set(plans.flatMap(({ reads }) => reads.map(({ attribute }) => attribute)))];
  const readers = bindReaders(
    READERS,
    names.map((name, slot) => ({ slot, name })),
  );
  return {
    evaluate: link(planOf(text), { slotOf: (name) => names.indexOf(name) }),
    source: (context) => readerSource(readers, context),
    slots: names.length,
    derived: names.map(() => undefined),
  };
}

function planOf(text: string): ExpressionPlan {
  const compiled = compileExpression(text, { attributes: TYPES, definitions: new Map() }, "bool");
  if (!compiled.ok) throw new Error(`${text}: ${compiled.problem.message}`);
  return compiled.plan;
}

/** Its own evaluator, not type-checked again: variables are declared, as its documentation advises. */
function celJs({ text }: Measured): (request: number) => boolean {
  const environment = new Environment()
    .registerVariable("request", "map")
    .registerVariable("source", "map")
    .registerVariable("destination", "map")
    .registerVariable("connection", "map");
  const evaluate = environment.parse(text);
  const requests = REQUESTS.map((request) => nestedOf(request, request.receivedAt));
  return orFalse((request) => evaluate(at(requests, request)) === true);
}

function bufbuild({ text }: Measured): (request: number) => boolean {
  const evaluate = plan(celEnv(), parse(text));
  // What it takes is whatever CEL has a value for.
  type Input = Parameters<typeof evaluate>[0];
  const requests = REQUESTS.map((request) => nestedOf(request, timestampFromDate(request.receivedAt)) as Input);
  return (request) => evaluate(at(requests, request)) === true;
}

/** A key that is missing is an exception to some. */
function orFalse(evaluate: (request: number) => boolean): (request: number) => boolean {
  return (request) => {
    try {
      return evaluate(request);
    } catch {
      return false;
    }
  };
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`no request ${index}`);
  return item;
}
