import fc from "fast-check";
import { expect, test } from "vitest";
import { logEntries } from "../../test/adapter-fixtures/host.ts";
import type { ReportBatch } from "../snapshot/handler-set.ts";
import { DeliveryQueue } from "./delivery-queue.ts";

const logs = (count: number, from = 0): ReportBatch => ({ template: "logentry", instances: logEntries(count, from) });
const points = (count: number): ReportBatch => ({
  template: "metric",
  instances: Array.from({ length: count }, () => ({ name: "m", dimensions: [], value: 1, count: 1 })),
});
const messages = (batch: ReportBatch | undefined) =>
  batch?.template === "logentry" ? batch.instances.map(({ message }) => Number(message)) : batch?.template;

test("batches of one template that follow each other are taken together, up to the bound, in order", () => {
  const queue = new DeliveryQueue({ records: 100, onFull: "drop-oldest" });
  queue.add(logs(3, 0), 0);
  queue.add(logs(3, 3), 0);
  queue.add(points(1), 0);
  queue.add(logs(1, 6), 0);
  expect(messages(queue.take(4))).toEqual([0, 1, 2, 3]);
  expect(messages(queue.take(4))).toEqual([4, 5]);
  expect(messages(queue.take(4))).toBe("metric");
  expect(messages(queue.take(4))).toEqual([6]);
  expect(queue.take(4)).toBeUndefined();
});

test("a full queue drops its oldest records for new ones, or the new ones, as told", () => {
  const oldest = new DeliveryQueue({ records: 4, onFull: "drop-oldest" });
  const newest = new DeliveryQueue({ records: 4, onFull: "drop-newest" });
  for (const queue of [oldest, newest]) {
    expect(queue.add(logs(3, 0), 0)).toBe(0);
    expect(queue.add(logs(3, 3), 0)).toBe(2);
  }
  expect(messages(oldest.take(10))).toEqual([2, 3, 4, 5]);
  expect(messages(newest.take(10))).toEqual([0, 1, 2, 3]);
});

test("of a batch that is larger than the queue the newest records stay, or the oldest", () => {
  const oldest = new DeliveryQueue({ records: 2, onFull: "drop-oldest" });
  const newest = new DeliveryQueue({ records: 2, onFull: "drop-newest" });
  for (const queue of [oldest, newest]) expect(queue.add(logs(5), 0)).toBe(3);
  expect(messages(oldest.take(10))).toEqual([3, 4]);
  expect(messages(newest.take(10))).toEqual([0, 1]);
});

test("what is being delivered counts against the bound and is not dropped", () => {
  const queue = new DeliveryQueue({ records: 2, onFull: "drop-oldest" });
  expect(queue.add(logs(3), 2)).toBe(3);
  expect(queue.size).toBe(0);
});

test("whatever comes and goes, nothing is lost uncounted, nothing comes twice, and the order stays", () => {
  const step = fc.oneof(
    fc.record({ add: fc.integer({ min: 0, max: 12 }), metric: fc.boolean() }),
    fc.record({ take: fc.integer({ min: 1, max: 6 }) }),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.constantFrom("drop-oldest", "drop-newest"),
      fc.array(step),
      (records, onFull, steps) => {
        const queue = new DeliveryQueue({ records, onFull });
        let accepted = 0;
        let dropped = 0;
        let taken = 0;
        let last = -1;
        for (const one of steps) {
          if ("add" in one) {
            dropped += queue.add(one.metric ? points(one.add) : logs(one.add, accepted), 0);
            accepted += one.add;
          } else {
            const batch = queue.take(one.take);
            taken += batch?.instances.length ?? 0;
            for (const message of batch?.template === "logentry"
              ? batch.instances.map((entry) => Number(entry.message))
              : []) {
              expect(message).toBeGreaterThan(last);
              last = message;
            }
          }
          expect(queue.size).toBeLessThanOrEqual(records);
          expect(accepted).toBe(taken + dropped + queue.size);
        }
        expect(queue.clear()).toBe(accepted - taken - dropped);
        expect(queue.take(1)).toBeUndefined();
      },
    ),
  );
});
