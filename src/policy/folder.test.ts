import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MAX_FILE_BYTES, MAX_READINGS, readFolder } from "./folder.ts";
import { MAX_FOLDER_DEPTH, reasonOf } from "./scan.ts";

let base: string;
let folder: string;

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "weir-folder-")));
  folder = join(base, "policies");
  mkdirSync(folder);
});

afterEach(() => rmSync(base, { recursive: true, force: true }));

/** Nothing writes while a test reads, unless it says so. */
const still = { wait: () => Promise.resolve() };

function write(path: string, content: string | Buffer): string {
  const full = join(folder, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, content);
  return full;
}

async function codes(): Promise<string[]> {
  const { diagnostics } = await readFolder(folder, still);
  return diagnostics.map(({ code, span }) => `${code} ${span?.file ?? "-"}`);
}

describe("a folder is read", () => {
  test("with its subfolders, by path; hidden names, tests and everything that is not YAML are passed over", async () => {
    write("weir.yaml", "a");
    write("b/deep/x.yml", "b");
    write("B.yaml", "c");
    write("checkout.test.yaml", "d");
    write("notes.md", "e");
    write(".hidden.yaml", "f");
    write(".git/config.yaml", "g");
    write("#x.yaml#", "h");
    const { files, diagnostics } = await readFolder(folder, still);
    expect(files).toEqual([
      { path: "B.yaml", text: "c" },
      { path: "b/deep/x.yml", text: "b" },
      { path: "weir.yaml", text: "a" },
    ]);
    expect(diagnostics).toEqual([]);
  });

  test("its id depends on paths and bytes alone", async () => {
    write("a.yaml", "x");
    const first = await readFolder(folder, still);
    write("notes.md", "other");
    const same = await readFolder(folder, still);
    write("a.yaml", "y");
    const edited = await readFolder(folder, still);
    renameSync(join(folder, "a.yaml"), join(folder, "b.yaml"));
    write("b.yaml", "x");
    const renamed = await readFolder(folder, still);
    expect(first.id).toMatch(/^[0-9a-f]{12}$/);
    expect(same.id).toBe(first.id);
    expect(new Set([first.id, edited.id, renamed.id]).size).toBe(3);
  });

  test("two files cannot be shifted into each other without another id", async () => {
    write("a.yaml", "xa.yaml");
    write("b.yaml", "");
    const one = await readFolder(folder, still);
    write("a.yaml", "x");
    write("b.yaml", "a.yaml");
    expect((await readFolder(folder, still)).id).not.toBe(one.id);
  });

  test("a problem with a file is another version of the folder, and so is its end", async () => {
    write("a.yaml", "x");
    const good = await readFolder(folder, still);
    symlinkSync("nowhere", join(folder, "b.yaml"));
    const bad = await readFolder(folder, still);
    rmSync(join(folder, "b.yaml"));
    expect(bad.id).not.toBe(good.id);
    expect((await readFolder(folder, still)).id).toBe(good.id);
  });
});

describe("a folder is read until two readings agree", () => {
  test("so two files renamed one after the other are one change", async () => {
    write("a.yaml", "old a");
    write("b.yaml", "old b");
    const steps = [() => write("a.yaml", "new a"), () => write("b.yaml", "new b")];
    const { files } = await readFolder(folder, { wait: async () => void steps.shift()?.() });
    expect(files.map((file) => file.text)).toEqual(["new a", "new b"]);
  });

  test("one that never stops changing is told, and read no more than so often", async () => {
    let writes = 0;
    write("a.yaml", "start");
    const { diagnostics } = await readFolder(folder, { wait: async () => void write("a.yaml", `version ${writes++}`) });
    expect(diagnostics.map(({ code }) => code)).toEqual(["P1015"]);
    expect(writes).toBe(MAX_READINGS - 1);
  });
});

describe("what must not be read is told, each in its own words", () => {
  test("a FIFO, without waiting for somebody to write", async () => {
    execFileSync("sh", ["-c", "mkfifo pipe.yaml ignored"], { cwd: folder });
    const { diagnostics, files } = await readFolder(folder, still);
    expect(diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual(["P1004 this is a FIFO, not a file"]);
    expect(files).toEqual([{ path: "pipe.yaml", text: "", unreadable: true }]);
  });

  test("a socket, a device behind a symlink", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(folder, "s.yaml"), resolve));
    symlinkSync("/dev/null", join(folder, "null.yaml"));
    expect(await codes()).toEqual(["P1005 null.yaml", "P1004 s.yaml"]);
    await new Promise((resolve) => server.close(resolve));
  });

  test("symlinks: followed inside the folder, refused out of it, broken, or in a circle", async () => {
    write("real/a.yaml", "a");
    writeFileSync(join(base, "secret.yaml"), "secret");
    symlinkSync("real/a.yaml", join(folder, "link.yaml"));
    symlinkSync("real", join(folder, "again"));
    symlinkSync("../secret.yaml", join(folder, "out.yaml"));
    symlinkSync(base, join(folder, "up"));
    symlinkSync("nothing", join(folder, "broken.yaml"));
    symlinkSync("self.yaml", join(folder, "self.yaml"));
    symlinkSync("..", join(folder, "real/parent"));
    const { files, diagnostics } = await readFolder(folder, still);
    expect(files.filter((file) => !file.unreadable).map((file) => file.path)).toEqual([
      "again/a.yaml",
      "link.yaml",
      "real/a.yaml",
    ]);
    expect(files.some((file) => file.text === "secret")).toBe(false);
    expect(diagnostics.map(({ code, span }) => `${code} ${span?.file}`).sort()).toEqual([
      "P1005 out.yaml",
      "P1005 up",
      "P1006 broken.yaml",
      "P1006 self.yaml",
      "P1007 again/parent",
      "P1007 real/parent",
    ]);
  });

  test("a symlink that leaves the folder and comes back", async () => {
    write("a.yaml", "a");
    symlinkSync(folder, join(base, "way"));
    symlinkSync("../way/a.yaml", join(folder, "b.yaml"));
    expect(await codes()).toEqual(["P1005 b.yaml"]);
  });

  test("a ConfigMap: files behind `..data`, which itself is a symlink", async () => {
    write("..2026_1/weir.yaml", "one");
    symlinkSync("..2026_1", join(folder, "..data"));
    symlinkSync("..data/weir.yaml", join(folder, "weir.yaml"));
    const { files, diagnostics } = await readFolder(folder, still);
    expect(files).toEqual([{ path: "weir.yaml", text: "one" }]);
    expect(diagnostics).toEqual([]);
  });

  test("a file over the limit, and none at it", async () => {
    write("fits.yaml", Buffer.alloc(MAX_FILE_BYTES, "a"));
    write("large.yaml", Buffer.alloc(MAX_FILE_BYTES + 1, "a"));
    expect(await codes()).toEqual(["P1008 large.yaml"]);
  });

  test("files that are too much together", async () => {
    for (let index = 0; index <= 64; index++) truncateSync(write(`${index}.yaml`, ""), MAX_FILE_BYTES);
    const { diagnostics } = await readFolder(folder, still);
    expect(diagnostics.map(({ code }) => code)).toEqual(["P1009"]);
  });

  test("folders nested too deep", async () => {
    write(`${"d/".repeat(MAX_FOLDER_DEPTH)}fits.yaml`, "");
    expect(await codes()).toEqual([]);
    write(`${"e/".repeat(MAX_FOLDER_DEPTH + 1)}deep.yaml`, "");
    expect((await codes()).map((code) => code.slice(0, 5))).toEqual(["P1011"]);
  });

  test("bytes that are not UTF-8, counted from 1", async () => {
    write("latin.yaml", Buffer.from("policy: caf\xe9\n", "latin1"));
    write("cut.yaml", Buffer.from("a: é").subarray(0, 4));
    const { diagnostics, files } = await readFolder(folder, still);
    expect(diagnostics.map(({ message }) => message)).toEqual([
      "byte 4 of this file, on line 1, is not UTF-8",
      "byte 12 of this file, on line 1, is not UTF-8",
    ]);
    expect(files.every((file) => file.unreadable)).toBe(true);
  });

  test("a byte order mark; the text behind it is read all the same", async () => {
    write("a.yaml", "\ufeffpolicy: a\n");
    const { files } = await readFolder(folder, still);
    expect(await codes()).toEqual(["P1013 a.yaml"]);
    expect(files).toEqual([{ path: "a.yaml", text: "policy: a\n" }]);
  });

  // Root may read everything, so nothing is refused to it.
  test.skipIf(process.getuid?.() === 0)("what the operating system refuses", async () => {
    chmodSync(write("a.yaml", "a"), 0);
    expect(await codes()).toEqual(["P1014 a.yaml"]);
  });

  test("why the operating system refused is said in words", () => {
    const refused = (code: string) => reasonOf(Object.assign(new Error(`${code}: syscall`), { code }));
    expect(["EACCES", "EPERM", "EMFILE", "EIO"].map(refused)).toEqual([
      "permission denied",
      "permission denied",
      "too many open files",
      "input/output error",
    ]);
    expect(refused("EBADF")).toBe("EBADF: syscall");
  });

  test("a folder that is not there, or is a file", async () => {
    const missing = await readFolder(join(base, "missing"), still);
    const file = await readFolder(write("a.yaml", "a"), still);
    expect([missing, file].map(({ diagnostics }) => diagnostics.map(({ code }) => code))).toEqual([
      ["P1016"],
      ["P1016"],
    ]);
  });

  test("a folder behind a symlink is as good as another", async () => {
    write("a.yaml", "a");
    symlinkSync(folder, join(base, "current"));
    expect((await readFolder(join(base, "current"), still)).files).toEqual([{ path: "a.yaml", text: "a" }]);
  });
});
