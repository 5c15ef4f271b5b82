// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts with placeholders are what is tested
import { describe, expect, test } from "vitest";
import { render, scopeWith, show, underlined } from "../../test/cel/harness.ts";
import { Duration, Timestamp } from "../attribute/value.ts";
import { compileTemplate } from "./template.ts";

describe("a text shows its expressions as string() does", () => {
  test.each([
    ["plain", "plain"],
    ["", ""],
    ["weir ${request.method}!", "weir GET!"],
    ["${request.method}${request.method}", "GETGET"],
    ["${ {'a': '}'}.get('a', '') }", "}"],
    ['${"${" + "}"}', "${}"],
    ["$${request.method} costs $5 $$", "${request.method} costs $5 $$"],
    ["a $ b { c } $", "a $ b { c } $"],
    ["${1 + 1} ${1u} ${true} ${1.5} ${2.0} ${12345678.0} ${-3.0} ${1e300}", "2 1 true 1.5 2 12345678 -3 1e+300"],
    ["${request.time} ${any.duration} ${b'x'}", "1970-01-01T00:00:00Z 1.5s x"],
    ["${// a comment }\n request.method}", "GET"],
    ["é😀${request.method}\r\n", "é😀GET\r\n"],
  ])("%j", (text, expected) => {
    const request = {
      "request.method": "GET",
      "request.time": new Timestamp(0n),
      "any.duration": new Duration(1_500_000_000n),
    };
    expect(render(text, request)).toBe(expected);
  });

  test("it is absent or an error when one of its expressions is, and error comes first", () => {
    expect(show(render("a ${request.host} b"))).toBe("absent");
    expect(show(render("${request.host} ${it.is.broken}"))).toBe("error");
    expect(show(render("${any.dyn}", { "any.dyn": ["a"] }))).toBe("error");
    expect(show(render("${any.dyn}", { "any.dyn": null }))).toBe("error");
  });
});

describe("what is wrong is underlined in the text", () => {
  test.each([
    ["é ${request.method} ${request.metod}", "P1201 request.metod"],
    ["a ${request.method", "P1222 ${"],
    ['a ${"b} c', 'P1214 "'],
    ["a ${} b", "P1223 ${}"],
    ["a ${ } b", "P1223 ${ }"],
    ["${request.headers}", "P1240 request.headers"],
    ["${null}", "P1240 null"],
    ["${a b}", "P1220 b"],
    ["${", "P1222 ${"],
  ])("%j", (text, place) => {
    const compiled = compileTemplate(text, scopeWith());
    expect(compiled.ok ? "fine" : underlined(text, compiled.problem)).toBe(place);
  });

  test("reads and warnings have their places in the whole text", () => {
    const text = 'a ${request.method} ${string(1 / 0)} ${request.headers["x"]}';
    const compiled = compileTemplate(text, scopeWith());
    if (!compiled.ok) throw new Error(compiled.problem.message);
    expect(compiled.plan.reads.map((read) => text.slice(...read.at))).toEqual([
      "request.method",
      'request.headers["x"]',
    ]);
    expect(compiled.warnings.map((warning) => underlined(text, warning))).toEqual(["P1250 1 / 0"]);
  });
});

test("a text that is the name of an attribute is kept as it is, with a warning", () => {
  const compiled = compileTemplate(" request.method", scopeWith());
  expect(compiled).toMatchObject({
    ok: true,
    plan: { parts: [" request.method"] },
    warnings: [{ code: "P1241", start: 1, end: 15, help: expect.stringContaining("${request.method}") }],
  });
  expect(compileTemplate("method", scopeWith())).toMatchObject({ ok: true, warnings: [] });
});
