import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { evaluate, frameOf, plan, type Request, show, slots } from "../../test/cel/harness.ts";
import { MAX_TRACE_STEPS } from "./limits.ts";
import { linkTraced, type Trace } from "./trace.ts";

const REQUEST: Request = {
  "request.method": "GET",
  "request.path": "/a",
  "request.headers": new Map([["x-role", "admin"]]),
  "any.list": ["dev", "ops", "qa"],
};

function traceOf(text: string, request: Request = REQUEST): Trace {
  return linkTraced(plan(text), slots)(frameOf(request));
}

/** One line for each step, those inside of another one indented by two spaces. */
function lines(text: string, trace: Trace = traceOf(text), indent = ""): readonly string[] {
  const own = `${indent}${text.slice(...trace.at)}: ${show(trace.outcome)}`;
  return [own, ...trace.steps.flatMap((step) => lines(text, step, `${indent}  `))];
}

describe("a trace has every sub-expression that was evaluated, with what it gave", () => {
  test.each([
    ["true", ["true: true"]],
    ["request.method", ['request.method: "GET"']],
    [
      'request.method == "GET" && request.path.startsWith("/b")',
      [
        'request.method == "GET" && request.path.startsWith("/b"): false',
        '  request.method == "GET": true',
        '    request.method: "GET"',
        '  request.path.startsWith("/b"): false',
        '    request.path: "/a"',
      ],
    ],
    [
      'request.headers["x-role"] + request.host',
      [
        'request.headers["x-role"] + request.host: absent',
        '  request.headers["x-role"]: "admin"',
        "  request.host: absent",
      ],
    ],
  ])("%s", (text, expected) => {
    expect(lines(text)).toEqual(expected);
  });

  test("but not what nobody needed", () => {
    expect(lines('request.method == "GET" || it.is.broken')).toEqual([
      'request.method == "GET" || it.is.broken: true',
      '  request.method == "GET": true',
      '    request.method: "GET"',
    ]);
    expect(lines("it.is.yes ? request.path : request.host")).toEqual([
      'it.is.yes ? request.path : request.host: "/a"',
      "  it.is.yes: true",
      '  request.path: "/a"',
    ]);
  });

  test("each comparison of a chain that is one look into a set otherwise", () => {
    const text = 'request.method == "A" || request.method == "GET" || request.method == "C" || request.method == "D"';
    expect(traceOf(text).steps.map((step) => show(step.outcome))).toEqual(["false", "true"]);
  });

  test("the rounds of a loop, one after the other", () => {
    expect(lines('any.list.exists(g, g == "ops")')).toEqual([
      'any.list.exists(g, g == "ops"): true',
      '  any.list: ["dev","ops","qa"]',
      '  g == "ops": false',
      '    g: "dev"',
      '  g == "ops": true',
      '    g: "ops"',
    ]);
  });
});

test("a long loop's trace ends somewhere, and says how much is missing", () => {
  const list = Array.from({ length: 2_000 }, () => "x");
  const trace = traceOf('any.list.exists(g, g == "ops")', { "any.list": list });
  expect(count(trace)).toBe(MAX_TRACE_STEPS);
  expect(count(trace) + omitted(trace)).toBe(2 + 2 * list.length);
  expect(trace.outcome).toBe(false);
});

test("one trace has nothing of another", () => {
  const traced = linkTraced(plan("it.is.yes && it.is.no"), slots);
  expect(traced(frameOf())).toEqual(traced(frameOf()));
});

test("the outcome is what it is without tracing", () => {
  const term = fc.constantFrom(
    ...['request.method == "GET"', 'request.method == "PUT"', "it.is.gone", "it.is.broken", "it.is.no"],
    ...['any.list.exists(g, g == "qa")', 'request.headers["none"] == "x"', '"x-role" in request.headers'],
    ...["any.list.map(g, g + request.method).size() == 3", "has(request.host)"],
  );
  const condition = fc.letrec<{ tree: string }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      term,
      fc
        .tuple(fc.constantFrom(" || ", " && "), fc.array(tie("tree"), { minLength: 2, maxLength: 4 }))
        .map(([sign, terms]) => `(${terms.join(sign)})`),
      fc.tuple(tie("tree"), tie("tree"), tie("tree")).map(([when, a, b]) => `(${when} ? ${a} : ${b})`),
      tie("tree").map((tree) => `!(${tree})`),
    ),
  })).tree;
  fc.assert(
    fc.property(
      condition.filter((text) => text.length < 1000),
      (text) => {
        expect(show(traceOf(text).outcome)).toBe(show(evaluate(text, REQUEST)));
      },
    ),
    { numRuns: 500, seed: 20_260_102 },
  );
});

function count(trace: Trace): number {
  return trace.steps.reduce((sum, step) => sum + count(step), 1);
}

function omitted(trace: Trace): number {
  return trace.steps.reduce((sum, step) => sum + omitted(step), trace.omitted ?? 0);
}
