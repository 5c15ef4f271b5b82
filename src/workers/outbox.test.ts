import { expect, test } from "vitest";
import { privateTally, TALLY } from "../telemetry/tally.ts";
import { Outbox } from "./outbox.ts";
import {
  type FromThread,
  MAX_LINES_A_TURN,
  MAX_SENT_BYTES,
  MAX_SENT_INSTANCES,
  RECEIPTS,
  type Work,
} from "./protocol.ts";

const POINT = { name: "n", dimensions: [], value: 1, count: 1 };

function outbox() {
  const sent: FromThread[] = [];
  const tally = privateTally();
  const receipts = new Float64Array(2);
  return { sent, tally, receipts, outbox: new Outbox({ post: (message) => void sent.push(message), tally, receipts }) };
}

function work([message]: readonly FromThread[]): Work {
  if (message?.kind !== "work") throw new Error("no work was sent");
  return message;
}

test("what comes in one turn is sent together, and nothing when there is nothing", () => {
  const { outbox: box, sent } = outbox();
  box.flush();
  expect(sent).toEqual([]);
  box.deliver(1, "h", { template: "metric", instances: [POINT] });
  box.withdraw(4);
  box.flush();
  box.flush();
  expect(sent).toHaveLength(1);
  expect(work(sent)).toMatchObject({ withdrawn: [4], deliveries: [{ generation: 1, handler: "h" }] });
});

test("report instances beyond the bound are counted as dropped, until some were taken", () => {
  const { outbox: box, sent, tally, receipts } = outbox();
  const many = { template: "metric", instances: new Array(MAX_SENT_INSTANCES).fill(POINT) } as const;
  box.deliver(1, "h", many);
  box.deliver(1, "h", { template: "metric", instances: [POINT, POINT] });
  box.flush();
  expect(work(sent).drops).toEqual([{ handler: "h", instances: 2 }]);
  expect(tally[TALLY.sentInstances]).toBe(MAX_SENT_INSTANCES);
  receipts[RECEIPTS.instances] = MAX_SENT_INSTANCES;
  box.deliver(1, "h", { template: "metric", instances: [POINT] });
  sent.length = 0;
  box.flush();
  expect(work(sent).deliveries).toHaveLength(1);
});

test("messages to be recorded are bounded by their bytes, and have memory of their own", () => {
  const { outbox: box, sent } = outbox();
  const bytes = new Uint8Array([1, 2, 3]);
  expect(box.record("/p", "me", bytes)).toBe(true);
  expect(box.record("/p", "me", new Uint8Array(MAX_SENT_BYTES))).toBe(false);
  bytes.fill(0);
  box.flush();
  expect(work(sent).recorded).toEqual([{ path: "/p", peer: "me", bytes: new Uint8Array([1, 2, 3]) }]);
});

test("lines of a turn are bounded, and the last one says so", () => {
  const { outbox: box, sent } = outbox();
  for (let line = 0; line < MAX_LINES_A_TURN + 50; line += 1) box.line("x\n");
  box.flush();
  expect(work(sent).lines).toHaveLength(MAX_LINES_A_TURN + 1);
  expect(work(sent).lines.at(-1)).toContain("more to log");
});
