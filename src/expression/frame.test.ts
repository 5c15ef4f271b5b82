import { describe, expect, test } from "vitest";
import { evaluate, frameOf, plan, slots, sourceOf } from "../../test/cel/harness.ts";
import { ABSENT, Invalid } from "../attribute/value.ts";
import { createFrame, type Evaluate, type RequestFrame } from "./frame.ts";
import { link } from "./link.ts";

const REQUEST = {
  "request.method": "GET",
  "request.headers": new Map([["x-role", "admin"]]),
  "any.list": ["a", "b"],
};

/** Slots of derived attributes, by name. */
function derived(expressions: Readonly<Record<string, string>>): (Evaluate | undefined)[] {
  const evaluations: (Evaluate | undefined)[] = [];
  for (const [name, text] of Object.entries(expressions)) evaluations[slots.slotOf(name)] = link(plan(text), slots);
  return evaluations;
}

test("an attribute is asked of the source once, and a derived one is evaluated once", () => {
  let asked = 0;
  let evaluated = 0;
  const source = {
    ...sourceOf(REQUEST),
    read: () => {
      asked++;
      return "GET";
    },
  };
  const frame = createFrame({
    source,
    slots: 2,
    derived: [
      undefined,
      (inner) => {
        evaluated++;
        return inner.read(0);
      },
    ],
    record: false,
  });
  expect([frame.read(0), frame.read(1), frame.read(0), frame.read(1)]).toEqual(["GET", "GET", "GET", "GET"]);
  expect([asked, evaluated]).toEqual([1, 1]);
});

describe("derived attributes", () => {
  test("stand in for what the source says, with keys of their own", () => {
    const frame = frameOf(REQUEST, {
      derived: derived({ "request.host": '"derived"', context: '{"service": request.method}' }),
    });
    expect(evaluate("request.host + context.service", {}, frame)).toBe("derivedGET");
    expect(evaluate("has(request.host) && has(context.service) && !has(context.other)", {}, frame)).toBe(true);
    expect(evaluate('context.exists(k, k == "service")', {}, frame)).toBe(true);
  });

  test("evaluated in the middle of a loop, leave its variable alone", () => {
    const frame = frameOf(REQUEST, { derived: derived({ "request.host": 'any.list.filter(x, x == "b")[0]' }) });
    expect(evaluate('any.list.map(x, request.host + x) == ["ba", "bb"]', {}, frame)).toBe(true);
  });

  test("that need each other in a circle are an error, and not a hanging process", () => {
    const frame = frameOf(REQUEST, {
      derived: derived({ "request.host": "request.path", "request.path": "request.host" }),
    });
    expect(evaluate("request.host", {}, frame)).toBeInstanceOf(Invalid);
  });
});

describe("a recording frame", () => {
  function recorded(text: string, options: Parameters<typeof frameOf>[1] = {}): ReturnType<RequestFrame["references"]> {
    const frame = frameOf(REQUEST, { record: true, ...options });
    evaluate(text, {}, frame);
    return frame.references();
  }
  const method = slots.slotOf("request.method");
  const headers = slots.slotOf("request.headers");
  const host = slots.slotOf("request.host");
  const response = slots.slotOf("response.headers");

  test.each([
    ['request.method == "GET"', [{ slot: method, match: "exact" }]],
    ["has(request.method)", [{ slot: method, match: "presence" }]],
    ['has(request.method) && request.method == "GET"', [{ slot: method, match: "exact" }]],
    ["has(request.host)", [{ slot: host, match: "absence" }]],
    [
      'request.host == "x" || true == it.is.yes',
      [
        { slot: host, match: "absence" },
        { slot: slots.slotOf("it.is.yes"), match: "exact" },
      ],
    ],
    ['request.headers["x-role"] == "x"', [{ slot: headers, key: "x-role", match: "exact" }]],
    ['request.headers.get("x-none", "") == "x"', [{ slot: headers, key: "x-none", match: "absence" }]],
    ['request.headers.values("X-Role") == []', [{ slot: headers, key: "x-role", match: "exact" }]],
    ['"x-role" in request.headers', [{ slot: headers, key: "x-role", match: "exact" }]],
    // That there is a map at all is what tells false from absent.
    [
      "has(request.headers.none)",
      [
        { slot: headers, key: "none", match: "absence" },
        { slot: headers, match: "presence" },
      ],
    ],
    [
      "has(response.headers.none)",
      [
        { slot: response, key: "none", match: "absence" },
        { slot: response, match: "absence" },
      ],
    ],
    [
      "request.headers[request.method] == ''",
      [
        { slot: method, match: "exact" },
        { slot: headers, key: "GET", match: "absence" },
      ],
    ],
  ])("%s", (text, references) => {
    expect(recorded(text)).toEqual({ references, reusable: true });
  });

  test("that walks through a map or passes it whole makes the answer not reusable", () => {
    expect(recorded("request.headers.exists(k, k == 'x-role')").reusable).toBe(false);
    expect(recorded("request.headers.size() == 1").reusable).toBe(false);
    expect(recorded("request.headers == {}").reusable).toBe(false);
  });

  test("names what a derived attribute was derived from", () => {
    const options = { derived: derived({ "request.host": "request.method" }) };
    expect(recorded("request.host == 'x'", options).references).toEqual([{ slot: method, match: "exact" }]);
  });

  test("an operand that was absorbed counts", () => {
    expect(recorded("it.is.broken || request.method == 'GET'").references).toHaveLength(2);
  });
});

test("a frame that does not record says nothing of what was read", () => {
  const frame = frameOf(REQUEST);
  expect(frame.read(slots.slotOf("request.method"))).toBe("GET");
  expect(frame.readKey(slots.slotOf("request.headers"), "none")).toBe(ABSENT);
  expect(frame.references()).toEqual({ references: [], reusable: false });
});
