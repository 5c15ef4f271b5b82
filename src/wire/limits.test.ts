import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LIMITS, limitsWith, parseLimits, WIRE_LIMITS } from "./limits.ts";

const PAGE = join(import.meta.dirname, "../../docs/operations.md");
const HEAD = "| limit | default | of what | beyond it |\n|---|---|---|---|\n";

describe("limits", () => {
  test("are read as they are written, the last word on each counting", () => {
    expect(parseLimits("max-connections=7, stuck-ms=1000,max-connections=8,")).toEqual({
      maxConnections: 8,
      stuckMs: 1_000,
    });
    expect(parseLimits("")).toEqual({});
  });

  test.each([
    ["max-conections=7", "no limit is called `max-conections`"],
    ["max-connections", "`max-connections` takes a whole number from 1 to 1000000"],
    ["max-connections=0", "`max-connections` takes"],
    ["max-connections=1e3", "`max-connections` takes"],
    ["max-connections=1000001", "`max-connections` takes"],
  ])("%s is refused in words", (text, problem) => {
    expect(parseLimits(text)).toEqual({ problem: expect.stringContaining(problem) });
  });

  test("are within their own bounds, and those not given are the defaults", () => {
    for (const { name, default: standard, min, max } of LIMITS) {
      expect(standard, name).toBeGreaterThanOrEqual(min);
      expect(standard, name).toBeLessThanOrEqual(max);
    }
    const given = { maxConnections: 3 };
    expect(limitsWith((key) => (key === "maxConnections" ? given.maxConnections : undefined))).toEqual({
      ...WIRE_LIMITS,
      ...given,
    });
  });

  test("stand in docs/operations.md, each with its default (UPDATE=1 writes them)", async () => {
    const rows = LIMITS.map(
      ({ name, default: standard, what, beyond }) => `| \`${name}\` | ${standard} | ${what} | ${beyond} |\n`,
    );
    const page = await readFile(PAGE, "utf8");
    const start = page.indexOf(HEAD);
    const end = page.indexOf("\n\n", start) + 1;
    expect(start).toBeGreaterThan(0);
    const written = page.slice(0, start) + HEAD + rows.join("") + page.slice(end);
    if (process.env["UPDATE"] === "1") await writeFile(PAGE, written);
    else expect(page).toBe(written);
  });
});
