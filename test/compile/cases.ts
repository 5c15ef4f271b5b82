import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Diagnostic, Sources } from "../../src/diagnostics/diagnostic.ts";
import { renderText } from "../../src/diagnostics/render-text.ts";

/** What a folder has wrong, with the texts that the places stand in. */
export interface Judgement {
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: Sources;
}

/**
 * One test for each folder in `directory`: the folder is a policy folder, and `expected.txt` in it holds what people are shown.
 * `UPDATE=1` writes the files anew; the difference is reviewed like code.
 */
export function describeCases(
  title: string,
  directory: string,
  judge: (folder: string) => Judgement | Promise<Judgement>,
): void {
  const cases = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  describe(title, () => {
    test("there are cases", () => {
      expect(cases.length).toBeGreaterThan(0);
    });
    for (const { name } of cases) {
      test(name, async () => {
        const folder = join(directory, name);
        const { diagnostics, sources } = await judge(folder);
        const actual = renderText(diagnostics, sources);
        const golden = join(folder, "expected.txt");
        if (process.env["UPDATE"] === "1") writeFileSync(golden, actual);
        expect(actual).toBe(readFileSync(golden, "utf8"));
      });
    }
  });
}
