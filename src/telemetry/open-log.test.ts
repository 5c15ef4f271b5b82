import { expect, test } from "vitest";
import type { LogLevel } from "./log.ts";
import { logTo } from "./open-log.ts";

function linesOf(level: LogLevel) {
  const lines: string[] = [];
  const log = logTo(level, { write: (line) => void lines.push(line) });
  return { log, parsed: () => lines.map((line): Record<string, unknown> => JSON.parse(line)) };
}

test("a line of the log is one line of JSON: time, level, message, facts", () => {
  const { log, parsed } = linesOf("info");
  log.with({ door: "weir" }).warn("two\nlines", { count: 2 });
  const [line] = parsed();
  expect(line).toEqual({ level: "warn", time: expect.any(String), door: "weir", message: "two\nlines", count: 2 });
  expect(new Date(String(line?.["time"])).toISOString()).toBe(line?.["time"]);
});

test("an error is written with its stack and what caused it", () => {
  const { log, parsed } = linesOf("info");
  log.error("it broke", { error: new Error("outer", { cause: new Error("inner") }) });
  const [line] = parsed();
  expect(line?.["error"]).toMatchObject({
    message: "outer",
    stack: expect.stringContaining("open-log.test"),
    cause: { message: "inner" },
  });
});

test("what was thrown need not be an error", () => {
  const { log, parsed } = linesOf("info");
  for (const error of ["text", undefined, null, 7n, { a: 1 }])
    log.error("thrown", { error: typeof error === "bigint" ? String(error) : error });
  expect(parsed().map((line) => line["message"])).toEqual(Array.from({ length: 5 }, () => "thrown"));
});

test("fewer words are said at a higher level", () => {
  const { log, parsed } = linesOf("warn");
  log.debug("a");
  log.info("b");
  log.warn("c");
  log.error("d");
  expect(parsed().map((line) => line["message"])).toEqual(["c", "d"]);
});
