import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

/** Every code as it is written in a message function, with the module it stands in. */
const codes = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
  .flatMap((name) => {
    const text = readFileSync(join(import.meta.dirname, name), "utf8");
    return [...text.matchAll(/"(P\d{4})"/g)].map((match) => ({
      code: match[1] ?? "",
      module: name,
      before: text.slice(0, match.index),
    }));
  });

/** One idea in several words, by what was probably meant: a name that is no attribute. */
const VARIANTS: ReadonlySet<string> = new Set(["P1201"]);

const RANGES: Readonly<Record<string, RegExp>> = {
  "document.ts": /^P10\d\d$/,
  "schema.ts": /^P11\d\d$/,
  "expression.ts": /^P12\d\d$/,
  "load.ts": /^P13\d\d$/,
};

describe("codes", () => {
  test("each stands for one idea", () => {
    const makers = new Map<string, Set<string>>();
    for (const { code, module, before } of codes) {
      const name = before.match(/(?<=export function )\w+/g)?.at(-1) ?? "";
      makers.set(code, (makers.get(code) ?? new Set()).add(`${module}: ${name}`));
    }
    expect(makers.size).toBeGreaterThan(80);
    expect(
      [...makers]
        .filter(([code, names]) => names.size > 1 && !VARIANTS.has(code))
        .map(([code, names]) => [code, ...names]),
    ).toEqual([]);
  });

  test("each belongs to the range of its area", () => {
    const strangers = codes.filter(({ code, module }) => RANGES[module] !== undefined && !RANGES[module].test(code));
    expect(strangers.map(({ code, module }) => `${module}: ${code}`)).toEqual([]);
  });

  test.each(["document.ts", "schema.ts"])("each of %s is explained where it is made", (name) => {
    const unexplained = codes.filter(({ code, module, before }) => {
      const comment = before.lastIndexOf("/** ");
      return module === name && !before.slice(comment).match(new RegExp(`^/\\*\\* ${code}( \\(warning\\))?: `));
    });
    expect(unexplained.map(({ code }) => code)).toEqual([]);
  });
});
