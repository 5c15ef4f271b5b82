import { describe, expect, test } from "vitest";
import { examined } from "../../test/engine/folder.ts";

/** Loads and compiles files as the engine does. @returns the codes with their lines, all stages together. */
function told(files: Readonly<Record<string, string>>): readonly string[] {
  const { diagnostics, sources } = examined({ "weir.yaml": "", ...files });
  return diagnostics.map(({ code, span }) => {
    const text = (span && sources.get(span.file)) ?? "";
    return `${code} ${span?.file}:${text.slice(0, span?.start).split("\n").length}`;
  });
}

const policy = (...lines: readonly string[]) => ({ "p.yaml": ["policy: p", ...lines, ""].join("\n") });

describe("one mistake is told once", () => {
  test("a misspelt or unreadable condition is not also an allow without one", () => {
    const files = policy("check:", "  - allow: a", '    whn: request.method == "GET"', "  - allow: b", "    when: !x");
    expect(told(files).toSorted()).toEqual(["P1021 p.yaml:6", "P1101 p.yaml:4"]);
  });

  test("a handler that is missing is not also an unknown one", () => {
    const files = policy("quota:", "  - limit: a", "    max: 1", "    every: 1m");
    expect(told(files)).toEqual(["P1103 p.yaml:3"]);
  });

  test("a definition that cannot be read is not also an unknown name", () => {
    const files = policy("define:", "  is_admin: !x", "check:", "  - deny: a", '    when: is_admin && "a" == "a"');
    expect(told(files)).toEqual(["P1021 p.yaml:3"]);
  });

  test("an attribute whose type is misspelt is of any type, one without a name may have any name", () => {
    const use = policy("report:", "  - logentry: a", "    handlers: [l]", "    when: order.total > 5");
    const handlers = { "handlers.yaml": "handlers:\n  - { handler: l, adapter: log }\n" };
    expect(
      told({ ...use, ...handlers, "attributes.yaml": "attributes:\n  - { attribute: order.total, type: flaot }\n" }),
    ).toEqual(["P1105 attributes.yaml:2"]);
    expect(told({ ...use, ...handlers, "attributes.yaml": "attributes:\n  - { type: int }\n" })).toEqual([
      "P1103 attributes.yaml:2",
    ]);
  });

  test("a handlers.yaml that cannot be read does not make its handlers unknown", () => {
    const use = policy("report:", "  - logentry: a", "    handlers: [l]");
    expect(told({ ...use, "handlers.yaml": "handlers: [\n" })).toEqual(["P1038 handlers.yaml:1"]);
  });
});

describe("everything else is told in the same run", () => {
  test("expressions of a rule that lacks something", () => {
    const files = policy("check:", "  - ask: a", "    value: source.adress");
    expect(told(files)).toEqual(["P1103 p.yaml:3", "P1103 p.yaml:3", "P1201 p.yaml:4"]);
  });

  test("load rules of the rules beside it", () => {
    const files = policy("check:", "  - deny: a", "    shaddow: true", "  - allow: b");
    expect(told(files)).toEqual(["P1101 p.yaml:4", "P1320 p.yaml:5"]);
  });

  test("load rules of a rule or policy that is only named badly", () => {
    const files = { "p.yaml": "policy: My Policy\ncheck:\n  - allow: Bad_Name\n" };
    expect(told(files)).toEqual(["P1120 p.yaml:1", "P1120 p.yaml:3", "P1320 p.yaml:3"]);
  });

  test("and a folder of which everything could be read loses nothing", () => {
    expect(told(policy("check:", "  - allow: b"))).toEqual(["P1320 p.yaml:3"]);
  });
});
