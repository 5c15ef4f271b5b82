import { expect, test } from "vitest";
import { DEFAULT_BUDGET } from "../../src/expression/limits.ts";
import { type Ended, type Hostile, hostileExpressions, type Mode, tryOut } from "./hostile.ts";

const ALL = hostileExpressions();
const SHOWN = 100;
const MODES: readonly Mode[] = ["policy", "eval"];

test("there are at least 200 of them, and no two are the same", () => {
  expect(ALL.length).toBeGreaterThanOrEqual(200);
  expect(new Set(ALL.map(({ text }) => text)).size).toBe(ALL.length);
});

test.each(ALL.flatMap((one) => MODES.map((mode) => [mode, one.written.slice(0, SHOWN), one] as const)))(
  "%s: %s",
  (mode, _, one) => {
    const ended = tryOut(one.text, mode);
    expect(wrong(one, mode, ended)).toBeUndefined();
  },
);

/** What became of it that must not; undefined when all is well. */
function wrong({ must, text }: Hostile, mode: Mode, ended: Ended): string | undefined {
  // `too much || true` is true.
  const settled = text.includes("||") || text.includes("&&");
  if (ended.how === "value" && ended.steps > DEFAULT_BUDGET && !settled) return `a value for ${ended.steps} steps`;
  switch (must.be) {
    case "anything":
      return undefined;
    case "refused":
      return mode === "policy" && ended.how !== "refused" ? "not refused" : undefined;
    case "stopped":
      return ended.how === "value" ? `not stopped: ${ended.steps} steps` : undefined;
    case "value": {
      if (ended.how === "value") return ended.written === must.value ? undefined : `another value: ${ended.written}`;
      return must.always && mode === "eval" ? `no value: ${ended.how}` : undefined;
    }
  }
}
