import { describe, expect, test } from "vitest";
import { runWith } from "../../test/cli/run-with.ts";

function evaluate(args: readonly string[], input?: string | readonly Uint8Array[]): ReturnType<typeof runWith> {
  return runWith(["eval", ...args], input);
}

/** What the carets of a message stand under. */
function underlined(message: string): string {
  const [, , source = "", carets = ""] = message.split("\n");
  return [...source].filter((_, column) => carets[column] === "^").join("");
}

describe("weir eval prints a value and its type", () => {
  test.each([
    [["1 + 2"], "3 : int"],
    [['{"a": [1u, 2u]}'], '{"a": [1u, 2u]} : map(string, list(uint))'],
    [["[1, 'a']"], '[1, "a"] : list(dyn)'],
    [["dyn(1)"], "1 : dyn (int)"],
    [["--", "-1 + 2"], "1 : int"],
    [["type(1) == int"], "true : bool"],
    [["request.size * 2", "-a", "request.size=21"], "42 : int"],
    [["request.headers['x-user']", "-a", "request.headers.X-User=ana"], '"ana" : string'],
    [["order.count + 1u", "-a", "order.count:uint=5"], "6u : uint"],
    [["order.count + 1", "-a", "order.count=5"], "6 : int"],
    [["has(request.id)"], "false : bool"],
    [
      ["request.time - duration('1h')", "-a", "request.time=2026-01-01T00:00:00Z"],
      'timestamp("2025-12-31T23:00:00Z") : timestamp',
    ],
  ])("%j", async (args, line) => {
    expect(await evaluate(args)).toEqual({ code: 0, out: `${line}\n`, err: "" });
  });

  test("of an expression on standard input", async () => {
    expect(await evaluate(["-"], "1 +\n  2 // three\n")).toEqual({ code: 0, out: "3 : int\n", err: "" });
  });

  test("with attributes on standard input, in the form of weir check", async () => {
    const request = "attributes:\n  request.method: GET\n  order.count:uint: 5\nquotas: []\n";
    expect((await evaluate(["request.method + string(order.count)", "--attributes", "-"], request)).out).toBe(
      '"GET5" : string\n',
    );
  });

  test("and warns of what it holds", async () => {
    const { code, out, err } = await evaluate(["has(request.id) && 1 / 0 == 1"]);
    expect([code, out]).toEqual([0, "false : bool\n"]);
    expect(err).toContain("warning P1250");
  });
});

describe("an expression that has no value is pointed at, and ends with 8", () => {
  test.each([
    ["request.size > 1", "1:1 error P1291: no such attribute: request.size", "request.size"],
    ["!(request.headers['x'] == 'a')", "1:3 error P1291: no such attribute: request.headers", "request.headers"],
    ["claims.x.y == 1 || claims['z'] == 1", "1:1 error P1292: no such key: x", "claims.x"],
    ["[claims][0][string(1 + 1)] == 1", "1:1 error P1292: no such key: 2", "[claims][0][string(1 + 1)]"],
    ["claims.a[claims.b] == 1", "1:1 error P1292: no such key: c", "claims.a[claims.b]"],
    ["claims.b.c == 1", "1:1 error P1290: a field or element of what is neither map nor list", "claims.b.c"],
    ["has(request.auth.claims.sub)", "error P1291: no such attribute: request.auth.claims", "request.auth.claims"],
    ["[1, 0].map(x, 10 / x)", "1:15 error P1290: division by zero", "10 / x"],
    ["request.size == 1 && [1][5] == 1", "1:22 error P1290: index out of range", "[1][5]"],
    ["'a'.matches('(' + 'a')", "error P1290: not a regular expression", "'a'.matches('(' + 'a')"],
  ])("%s", async (expression, said, meant) => {
    const { code, out, err } = await evaluate([expression, "-a", 'claims:map(string, dyn)={"a":{},"b":"c"}']);
    expect([code, out]).toEqual([8, ""]);
    expect(err).toContain(said);
    expect(underlined(err)).toBe(meant);
  });

  test("as one that would never end does", async () => {
    const loop = "l.all(a, l.all(b, l.all(c, l.all(d, l.all(e, l.all(f, a + b + c + d + e + f >= 0))))))";
    const list = `l=${JSON.stringify(Array.from({ length: 100 }, (_, index) => index))}`;
    for (const limits of ["policy", "cel-go"]) {
      const { code, err } = await evaluate([loop, "-a", list, "--limits", limits]);
      expect([code, err]).toEqual([8, expect.stringContaining("error P1290: cost limit")]);
    }
  });
});

describe("what makes no sense ends with 2, and says what, where and the way out", () => {
  test.each<[readonly string[], string, string?]>([
    [["request.metod"], "expression:1:1 error P1201: unknown attribute `request.metod`"],
    [["request.metod"], "did you mean `request.method`?"],
    [['"abc'], "never closed"],
    [["1 + 'a'"], "error P1231"],
    [[], "write an expression, or name a file with --file"],
    [[""], "this expression is empty"],
    [["-"], "this expression is empty"],
    [["1", "--file", "x.cel"], "there are two expressions"],
    [["--file", "/nowhere/x.cel"], "/nowhere/x.cel"],
    [["-", "--attributes", "-"], "standard input cannot be both"],
    [["1", "--attributes", "-"], "write a map with the key `attributes:`", "- 1\n"],
    [["1", "--attributes", "-"], "-:1:4 error P10", "a: [1,\n"],
    [["1", "--attributes", "-"], "unknown key `atributes`", "atributes: {}\n"],
    [["1", "-a", "request.size=abc"], "`request.size` is int, and `abc` is none"],
    [
      ["1", "-a", "request.metod=GET"],
      "did you mean `request.method`? (if it is another one, say its type: `request.metod:string`)",
    ],
    [["1", "-a", "request=5"], "`request` cannot stand beside the attribute `request.method`"],
    [["1", "--vocabulary", "/nowhere/v.json"], "/nowhere/v.json"],
    [["1", "--vocabulary", "package.json"], 'write {"attributes"'],
    [["1", "--vocabulary", "README.md"], "README.md is no JSON"],
    [["1", "--limits", "none"], "Allowed choices are policy, cel-go"],
    [["1", "--batch"], "leave this one out"],
    [["-1 + 2"], "an expression that begins with - comes after --"],
    [["--batch", "--trace"], "cannot be used with option '--trace'"],
    [["--batch", "-o", "json"], "cannot be used with option '-o"],
  ])("%j: %s", async (args, said, input = "") => {
    const { code, out, err } = await evaluate(args, input);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(said);
  });

  test("such as bytes that are no text", async () => {
    const { code, err } = await evaluate(["-"], [new Uint8Array([0x22, 0xff, 0x22])]);
    expect([code, err]).toEqual([2, "weir: standard input is no text: it holds bytes that are not UTF-8\n"]);
  });
});

describe("--trace shows what every part gave", () => {
  test("each below the one that needed it, rounds of a loop apart, and nothing that nobody needed", async () => {
    const expression = 'groups.exists(g, g == "ops" && size(g) > 1) ||\n  request.size > 10';
    const { code, out } = await evaluate([expression, "--trace", "-a", 'groups=["dev","ops"]']);
    expect(code).toBe(0);
    expect(out).toBe(`true : bool

1:1-2:20  groups.exists(g, g == "ops" && size(g) > 1) || request.size… → true
1:1-44      groups.exists(g, g == "ops" && size(g) > 1) → true
1:1-7         groups → ["dev", "ops"]
              round 1
1:18-43         g == "ops" && size(g) > 1 → false
1:18-28           g == "ops" → false
1:18-19             g → "dev"
              round 2
1:18-43         g == "ops" && size(g) > 1 → true
1:18-28           g == "ops" → true
1:18-19             g → "ops"
1:32-43           size(g) > 1 → true
1:32-39             size(g) → 3
1:37-38               g → "ops"
`);
  });

  test("also where there is no value", async () => {
    const { code, out, err } = await evaluate(["request.size + 1 / size(request.id)", "--trace", "-a", "request.id="]);
    expect(code).toBe(8);
    expect(out).toContain("request.size → absent\n");
    expect(out).toContain("1 / size(request.id) → error: division by zero\n");
    expect(err).toContain("P1290");
  });

  test("and ends somewhere", async () => {
    const list = `l=${JSON.stringify(Array.from({ length: 1_000 }, () => "x"))}`;
    const { out } = await evaluate(["l.all(x, x == 'x')", "--trace", "-a", list]);
    expect(out).toMatch(/… and \d+ more\n$/);
    expect(out.split("\n").length).toBeLessThan(3_000);
  });
});

describe("-o json", () => {
  test("has the typed value, and the tree of values", async () => {
    const { out } = await evaluate(["request.size + 1", "-a", "request.size=5", "-o", "json", "--trace"]);
    expect(JSON.parse(out)).toEqual({
      version: 1,
      type: "int",
      text: "6",
      value: { int: "6" },
      diagnostics: [],
      trace: { at: [0, 16], value: { int: "6" }, steps: [{ at: [0, 12], value: { int: "5" }, steps: [] }] },
    });
  });

  test("has the category of an error and its place", async () => {
    const { code, out } = await evaluate(["1 % request.size", "-a", "request.size=0", "-o", "json"]);
    expect(code).toBe(8);
    expect(JSON.parse(out)).toMatchObject({
      type: "int",
      error: "modulus by zero",
      diagnostics: [{ code: "P1290", line: 1, column: 1, endColumn: 17 }],
    });
  });

  test("has what is wrong with an expression", async () => {
    const { code, out, err } = await evaluate(["\n  reqest.size", "-o", "json"]);
    expect([code, err]).toEqual([2, ""]);
    expect(JSON.parse(out).diagnostics).toEqual([expect.objectContaining({ code: "P1201", line: 2, column: 3 })]);
  });
});
