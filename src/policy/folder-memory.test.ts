import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readFolder } from "./folder.ts";
import { FolderMemory, type ReadFile } from "./folder-memory.ts";
import type { ScannedFile } from "./scan.ts";

const HOUR_MS = 3_600_000;
const NOW_MS = 100 * HOUR_MS;
const SCANNED: ScannedFile = { path: "a.yaml", real: "/p/a.yaml", stamp: "1 2 3", changedMs: NOW_MS - HOUR_MS };
const READ: ReadFile = {
  path: "a.yaml",
  content: { bytes: 1, digest: "x" },
  file: { path: "a.yaml", text: "a" },
  diagnostics: [],
};

describe("what a reading found", () => {
  test("is known as long as the file's times, size and place are the same", () => {
    const memory = new FolderMemory();
    expect(memory.find(SCANNED)).toBeUndefined();
    memory.keep(SCANNED, NOW_MS, READ);
    expect(memory.find(SCANNED)).toBe(READ);
    expect(memory.find({ ...SCANNED, stamp: "1 2 4" })).toBeUndefined();
    expect(memory.find({ ...SCANNED, real: "/elsewhere/a.yaml" })).toBeUndefined();
  });

  test("is not known where it was read so soon after it was written that another writing would look the same", () => {
    const memory = new FolderMemory();
    for (const ageMs of [-HOUR_MS, 0, 1, 2_000]) {
      const fresh = { ...SCANNED, changedMs: NOW_MS - ageMs };
      memory.keep(fresh, NOW_MS, READ);
      expect(memory.find(fresh)).toBeUndefined();
    }
  });
});

describe("a folder read again", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "weir-memory-"));
    for (const name of ["a", "b", "c"]) writeFileSync(join(folder, `${name}.yaml`), name);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Reads with a memory. @returns the texts, and how long was waited for readings to agree. */
  async function read(
    memory: FolderMemory,
  ): Promise<{ readonly texts: readonly string[]; readonly waited: readonly number[] }> {
    const waited: number[] = [];
    const { files } = await readFolder(folder, { memory, wait: async (ms) => void waited.push(ms) });
    return { texts: files.map(({ text }) => text), waited };
  }

  test("gives what a first reading would, whatever happened to its files", async () => {
    const memory = new FolderMemory();
    const steps = [
      () => undefined,
      () => writeFileSync(join(folder, "a.yaml"), "other"),
      // As long, and dated back: only the time of change tells.
      () => {
        writeFileSync(join(folder, "a.yaml"), "OTHER");
        utimesSync(join(folder, "a.yaml"), 0, 0);
      },
      () => renameSync(join(folder, "b.yaml"), join(folder, "a.yaml")),
      () => rmSync(join(folder, "c.yaml")),
      () => mkdirSync(join(folder, "c.yaml")),
      () => writeFileSync(join(folder, "d.yaml"), Buffer.from([0xff])),
    ];
    for (const step of steps) {
      step();
      const again = await readFolder(folder, { memory, wait: async () => undefined });
      expect(again).toEqual(await readFolder(folder, { wait: async () => undefined }));
    }
  });

  test("waits for a second file less long where one alone is edited than where several are", async () => {
    const memory = new FolderMemory();
    const [first] = (await read(memory)).waited;
    writeFileSync(join(folder, "a.yaml"), "edited");
    const [edit] = (await read(memory)).waited;
    writeFileSync(join(folder, "a.yaml"), "x");
    writeFileSync(join(folder, "b.yaml"), "y");
    const [several] = (await read(memory)).waited;
    renameSync(join(folder, "a.yaml"), join(folder, "z.yaml"));
    const [renamed] = (await read(memory)).waited;
    expect([several, renamed]).toEqual([first, first]);
    expect(edit).toBeLessThan(first ?? 0);
  });

  test("is handed on while it is waited for, each time as it stands then", async () => {
    writeFileSync(join(folder, "a.yaml"), "x");
    const handed: (string | undefined)[] = [];
    const { files } = await readFolder(folder, {
      wait: async () => writeFileSync(join(folder, "a.yaml"), "y"),
      meanwhile: ({ files: perhaps }) => handed.push(perhaps.find(({ path }) => path === "a.yaml")?.text),
    });
    expect(handed).toEqual(["x", "y"]);
    expect(files.find(({ path }) => path === "a.yaml")?.text).toBe("y");
  });

  test("is waited for while git is at work, though not for ever", async () => {
    mkdirSync(join(folder, ".git"));
    writeFileSync(join(folder, ".git/index.lock"), "");
    let looks = 0;
    const half = await readFolder(folder, {
      wait: async () => {
        looks += 1;
        if (looks === 3) rmSync(join(folder, ".git/index.lock"));
      },
    });
    expect(half.diagnostics).toEqual([]);
    expect(looks).toBe(3);
    writeFileSync(join(folder, ".git/index.lock"), "left behind");
    const wait = async (): Promise<void> => {
      looks += 1;
    };
    const left = await readFolder(folder, { wait });
    expect(left.diagnostics).toEqual([]);
    expect(looks).toBeGreaterThan(10);
  });
});
