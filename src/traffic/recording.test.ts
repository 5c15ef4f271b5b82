import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SILENT } from "../telemetry/index.ts";
import { openRecording, RECORDING_HEADER, type Recording } from "./recording.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weir-recording-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const SETTINGS = { mask: ["request.body"], jwt: undefined };
const PATH = "/envoy.service.auth.v3.Authorization/Check";

async function start(file: string, counted: Record<string, number> = {}, maxBytes?: number): Promise<Recording> {
  const recording = await openRecording({
    file,
    ...(maxBytes === undefined ? {} : { maxBytes }),
    log: SILENT,
    telemetry: {
      recorded(state, count) {
        counted[state] = (counted[state] ?? 0) + count;
      },
    },
    epochNanos: () => 1_700_000_000_000_000_123n,
  });
  if ("problem" in recording) throw new Error(recording.problem);
  return recording;
}

describe("a recording", () => {
  test("has a header and a line for each message, with nanoseconds", async () => {
    const file = join(folder, "traffic.ndjson");
    const counted: Record<string, number> = {};
    const recording = await start(file, counted);
    recording.write({ path: PATH, peer: "127.0.0.1:1", bytes: Buffer.from([0x0a, 0x00]), settings: SETTINGS });
    recording.write({ path: "/weir.v1.Weir/Report", peer: "unix:", bytes: Buffer.alloc(0), settings: SETTINGS });
    await recording.close();
    const [header, ...lines] = readFileSync(file, "utf8").trimEnd().split("\n");
    expect(header).toBe('{"weir": "recording", "version": 1}');
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { t: "2023-11-14T22:13:20.000000123Z", door: "ext-authz", peer: "127.0.0.1:1", path: PATH, bytes: "CgA=" },
      { t: "2023-11-14T22:13:20.000000123Z", door: "weir", peer: "unix:", path: "/weir.v1.Weir/Report", bytes: "" },
    ]);
    expect(counted).toEqual({ written: 2 });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("ends at its size, with whole lines, and counts what comes after, also when it is continued", async () => {
    const file = join(folder, "traffic.ndjson");
    const line = { path: PATH, peer: "", bytes: Buffer.from([0x0a, 0x00]), settings: SETTINGS };
    const counted: Record<string, number> = {};
    for (const taken of [1, 0]) {
      const recording = await start(file, counted, RECORDING_HEADER.length + 200);
      for (let times = 0; times < 3; times += 1) recording.write(line);
      await recording.close();
      expect(counted["written"], `${taken} more`).toBe(1);
    }
    expect(counted).toEqual({ written: 1, dropped: 5 });
    expect(readFileSync(file, "utf8").trimEnd().split("\n")).toHaveLength(2);
  });

  test("that is there is continued, with one header", async () => {
    const file = join(folder, "traffic.ndjson");
    for (const byte of [1, 2]) {
      const recording = await start(file);
      recording.write({ path: PATH, peer: "", bytes: Buffer.from([0x08, byte]), settings: SETTINGS });
      await recording.close();
    }
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    expect(lines.length).toBe(3);
    expect(lines.filter((line) => `${line}\n` === RECORDING_HEADER).length).toBe(1);
  });

  test("never writes into a file that is none", async () => {
    const file = join(folder, "policies.yaml");
    writeFileSync(file, "policy: checkout\n");
    await expect(start(file)).rejects.toThrow("which is no recording");
    await expect(start(join(folder, "missing", "traffic.ndjson"))).rejects.toThrow("ENOENT");
    await expect(start(folder)).rejects.toThrow("EISDIR");
    expect(readFileSync(file, "utf8")).toBe("policy: checkout\n");
  });

  test("that waits too long for the disk drops messages and counts them, and loses none without a count", async () => {
    const counted: Record<string, number> = {};
    const recording = await start(join(folder, "traffic.ndjson"), counted);
    const bytes = Buffer.alloc(4 * 1024 * 1024);
    for (let n = 0; n < 20; n++) recording.write({ path: "/other", peer: "", bytes, settings: SETTINGS });
    await recording.close();
    expect(counted["dropped"]).toBeGreaterThan(0);
    expect((counted["written"] ?? 0) + (counted["dropped"] ?? 0)).toBe(20);
  });

  test("of what came before policies were loaded shows nothing", async () => {
    const file = join(folder, "traffic.ndjson");
    const recording = await start(file);
    recording.write({ path: PATH, peer: "", bytes: Buffer.from("secret"), settings: undefined });
    await recording.close();
    const [, line = "{}"] = readFileSync(file, "utf8").split("\n");
    expect(Buffer.from(JSON.parse(line).bytes, "base64").toString()).toBe("******");
  });
});
