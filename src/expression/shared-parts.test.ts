import { describe, expect, test } from "vitest";
import { frameOf, plan, type Request, scopeWith, show, slots, sourceOf } from "../../test/cel/harness.ts";
import type { AttributeSource } from "../attribute/source.ts";
import { link } from "./link.ts";
import { SharedParts } from "./shared-parts.ts";

/** Evaluates some expressions one after the other for one request. @returns their outcomes, and how often a map was asked for a key. */
function together(texts: readonly string[], request: Request, shared = new SharedParts()) {
  const linked = texts.map((text) => link(plan(text), { ...slots, shared }));
  let reads = 0;
  const plain = sourceOf(request);
  const source: AttributeSource = {
    ...plain,
    readKey: (slot, key) => {
      reads += 1;
      return plain.readKey(slot, key);
    },
  };
  const frame = frameOf(request, { source });
  return { outcomes: linked.map((evaluate) => show(evaluate(frame))), reads };
}

const REQUEST: Request = {
  "source.principal": "spiffe://a/ns/web/sa/shop",
  "request.headers": new Map([["x", "a, b"]]),
  "any.int": 2n,
  "any.list": ["a", "b"],
};

describe("what expressions have in common is evaluated once for a request", () => {
  test.each([
    ['request.headers.values("x").exists(v, v == "a")', '"b" in request.headers.values("x")'],
    ['request.headers["x"].matches("a.*b")', 'request.headers.x.matches("a.*b") && it.is.yes'],
    ['request.headers["x"].split(",")[0] == "a"', 'request.headers["x"].split(",")[1] == " b"'],
  ])("%s and %s", (first, second) => {
    const { outcomes, reads } = together([first, second], REQUEST);
    expect(outcomes).toEqual(["true", "true"]);
    expect(reads).toBe(1);
  });

  test("whatever comes of it, absence and errors too", () => {
    const texts = ['request.headers["gone"].matches("a.*b")', 'int(request.headers["x"].lowerAscii()) == 1'];
    const { outcomes, reads } = together([...texts, ...texts], REQUEST);
    expect(outcomes).toEqual(["absent", "error", "absent", "error"]);
    expect(reads).toBe(2);
  });

  test("and anew for the next one", () => {
    const shared = new SharedParts();
    const text = 'request.headers["x"].matches("a.*b")';
    expect(together([text, text], REQUEST, shared).outcomes).toEqual(["true", "true"]);
    const other = { ...REQUEST, "request.headers": new Map([["x", "c"]]) };
    expect(together([text, text], other, shared)).toMatchObject({ outcomes: ["false", "false"], reads: 1 });
  });
});

describe("what only looks alike is not taken for the same", () => {
  test.each([
    ['request.headers["x"].matches("a.*b")', 'request.headers["y"].matches("a.*b")', ["true", "absent"]],
    ['request.headers["x"].matches("a.*b")', 'request.headers["x"].matches("a.*c")', ["true", "false"]],
    ['any.list.join(",") == "a,b"', 'any.list.join(";") == "a,b"', ["true", "false"]],
    ["math.greatest(any.int, 1) == 2", "math.greatest(any.int, 1u) == 2", ["true", "true"]],
    ["type(math.greatest(1, any.dyn)) == int", "type(math.greatest(1u, any.dyn)) == uint", ["absent", "absent"]],
    // A variable is another one each time.
    ['["a"].exists(v, v.matches("[ab]"))', '["c"].exists(v, v.matches("[ab]"))', ["true", "false"]],
    [
      'cel.bind(v, "a", v + request.headers["x"]).matches("^a")',
      'cel.bind(v, "b", v + request.headers["x"]).matches("^a")',
      ["true", "false"],
    ],
  ])("%s and %s", (first, second, expected) => {
    expect(together([first, second, first, second], REQUEST).outcomes).toEqual([...expected, ...expected]);
  });
});

test("other numbers of slots are other attributes, though their names are the same", () => {
  const shared = new SharedParts();
  const text = 'request.host.matches("a.*b")';
  const first = link(plan(text, scopeWith()), { ...slots, shared });
  const moved = { slotOf: (name: string) => slots.slotOf(name === "request.host" ? "request.method" : name), shared };
  const second = link(plan(text, scopeWith()), moved);
  const frame = frameOf({ "request.host": "ab", "request.method": "x" });
  expect([first(frame), second(frame)]).toEqual([true, false]);
});
