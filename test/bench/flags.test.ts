import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { allowedCores } from "../../bench/check/cores.ts";
import { REPOSITORY } from "../docs/documents.ts";

function bench(file: string, ...args: readonly string[]) {
  const command = ["--conditions=weir-source", join(REPOSITORY, "bench/check", file), ...args];
  return spawnSync(process.execPath, command, { encoding: "utf8", cwd: REPOSITORY });
}

describe("the bench, asked for what makes no sense,", () => {
  test.each([
    ["an unknown flag", ["--qick"], "unknown option '--qick'"],
    ["a number that is none", ["--rounds", "many"], "expected a whole number from 1 to 100"],
    ["rows that do not exist", ["--only", "Mixer"], "nothing is called like that"],
    ["a commit that does not exist", ["--against", "no-such-ref"], "git knows no such commit"],
    ["results for the docs of a part", ["--write-docs", "--quick"], "needs everything measured"],
    ["a word too many", ["quick"], "too many arguments"],
  ])("says so of %s and measures nothing", (_, args, words) => {
    const { status, stdout, stderr } = bench("main.ts", ...args);
    expect(stderr).toContain(words);
    expect(stdout).toBe("");
    expect(status).toBe(1);
  });

  test("says so of a door that does not exist", () => {
    expect(bench("door/main.ts", "--door", "back").stderr).toContain("Allowed choices are ext-authz, weir, all");
  });

  test("explains itself", () => {
    const { stdout, status } = bench("main.ts", "--help");
    for (const flag of ["--quick", "--json <file>", "--against <ref>", "--only <names...>", "--write-docs"])
      expect(stdout).toContain(flag);
    expect(status).toBe(0);
  });
});

test.each([
  ["pid 17's current affinity list: 0,1\n", [0, 1]],
  ["pid 17's current affinity list: 0-2,5\n", [0, 1, 2, 5]],
  ["pid 17's current affinity list: 3\n", [3]],
])("the processors of %j are %j", (said, cores) => {
  expect(allowedCores(said)).toEqual(cores);
});
