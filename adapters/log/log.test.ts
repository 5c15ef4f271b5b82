import { mkdtemp, readFile, rename } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import type { LogEntry, Value } from "weir-mesh/adapter";
import { conformanceCases, openForTest } from "weir-mesh/adapter/testing";
import adapter from "./index.ts";
import { logLine } from "./line.ts";
import { fileOutput, streamOutput } from "./output.ts";

const freshFile = async () => join(await mkdtemp(join(tmpdir(), "weir-log-")), "audit.log");
const live = () => new AbortController().signal;

describe("keeps the promises of an adapter", () => {
  const cases = conformanceCases({
    adapter,
    config: async () => ({ file: await freshFile() }),
    refused: [
      { config: {}, path: [] },
      { config: { stream: "stdin" }, path: ["stream"] },
      { config: { stream: "stdout", file: "a" }, path: ["file"] },
      { config: { file: "" }, path: ["file"] },
      { config: { strem: "stdout" }, path: ["strem"] },
    ],
    // A device on which every write fails: no space left.
    failing: () => ({ file: "/dev/full" }),
  });
  test.each(cases)("$name", ({ run }) => run());
});

test("a file that cannot be opened keeps the handler from opening", async () => {
  await expect(openForTest(adapter, { file: join(await freshFile(), "below-a-file") })).rejects.toThrow(
    /ENOENT|ENOTDIR/,
  );
});

function entry(changes: Partial<LogEntry> & { readonly values?: Readonly<Record<string, Value>> } = {}): LogEntry {
  const { values = {}, ...rest } = changes;
  const variables = Object.assign(Object.create(null), values);
  return {
    rule: "checkout/refused",
    timeNanos: 1_795_262_400_123_456_789n,
    severity: "warning",
    message: "refused",
    variables,
    ...rest,
  };
}

test("one entry is one line of JSON with time, severity, rule, message and variables", () => {
  const values: Record<string, Value> = {
    caller: "spiffe://shop/web",
    code: 403n,
    large: 9_007_199_254_740_993n,
    took: { type: "duration", nanos: 1_500_000_000n },
    groups: { type: "list", items: ["a", true] },
    claims: { type: "map", entries: [["__proto__", null]] },
    body: new Uint8Array([1, 2]),
  };
  expect(logLine(entry({ values }))).toBe(
    '{"time":"2026-11-21T12:00:00.123456789Z","severity":"warning","rule":"checkout/refused","message":"refused",' +
      '"variables":{"caller":"spiffe://shop/web","code":403,"large":"9007199254740993","took":"1.5s","groups":["a",true],' +
      '"claims":{"__proto__":null},"body":"AQI="}}\n',
  );
});

test("what a client writes stays inside its string: no line of its own, no escape sequence", () => {
  const evil = '\r\n{"severity":"info"}\u001b[2J\u009b31m\u2028\u2029\u0085\u007f\0"\\\ud800';
  const line = logLine(entry({ message: evil, values: { [evil]: evil } }));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(line.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
  const parsed: unknown = JSON.parse(line);
  expect(parsed).toMatchObject({ message: evil, severity: "warning" });
});

test("entries are appended, and what a run before wrote stays", async () => {
  const file = await freshFile();
  for (const message of ["first", "second"]) {
    const { handler, close } = await openForTest(adapter, { file });
    await handler.logentry([entry({ message }), entry({ message })], { signal: live() });
    await close();
  }
  const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).message)).toEqual(["first", "first", "second", "second"]);
});

test("a file that was rotated away is begun anew", async () => {
  const file = await freshFile();
  const output = await fileOutput(file);
  await output.write("one\n", live());
  await rename(file, `${file}.1`);
  await output.write("two\n", live());
  await output.close();
  expect(await readFile(`${file}.1`, "utf8")).toBe("one\n");
  expect(await readFile(file, "utf8")).toBe("two\n");
});

test("writes at the same time never mix their lines", async () => {
  const file = await freshFile();
  const output = await fileOutput(file);
  const texts = Array.from({ length: 20 }, (_, index) => `${String(index).padStart(2, "0").repeat(5_000)}\n`);
  await Promise.all(texts.map((text) => output.write(text, live())));
  await output.close();
  expect((await readFile(file, "utf8")).split("\n").sort()).toEqual(
    ["", ...texts.map((text) => text.trimEnd())].sort(),
  );
});

/** A stream that nobody reads until `flow` is called. */
class SlowReader extends Writable {
  readonly #held: (() => void)[] = [];

  override _write(_chunk: unknown, _encoding: BufferEncoding, done: () => void): void {
    this.#held.push(done);
  }

  flow(): void {
    for (const done of this.#held.splice(0)) done();
  }
}

test("a delivery waits for the stream's reader", async () => {
  const stream = new SlowReader();
  const output = streamOutput(stream, () => undefined);
  let delivered = false;
  const delivery = output.write("line\n", live()).then(() => {
    delivered = true;
  });
  await Promise.resolve();
  expect(delivered).toBe(false);
  stream.flow();
  await delivery;
  expect(delivered).toBe(true);
});

test("a delivery to a stream that stands still ends when it is aborted, and memory stays bounded", async () => {
  const stream = new SlowReader();
  const output = streamOutput(stream, () => undefined);
  const controller = new AbortController();
  const delivery = output.write("x".repeat(9 * 1024 * 1024), controller.signal);
  controller.abort(new Error("too late"));
  await expect(delivery).rejects.toThrow("too late");
  await expect(output.write("more\n", live())).rejects.toThrow("nobody reads");
});

test("a stream that breaks fails the delivery and never the process", async () => {
  const broken = new Writable({
    write: (_chunk, _encoding, done) => done(new Error("EPIPE")),
  });
  const seen: string[] = [];
  const output = streamOutput(broken, (error) => seen.push(error.message));
  await expect(output.write("line\n", live())).rejects.toThrow("EPIPE");
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen).toEqual(["EPIPE"]);
  await output.close();
  expect(broken.listenerCount("error")).toBe(0);
});
