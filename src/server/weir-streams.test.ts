import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AttributeValue } from "#proto/weir/v1/attribute";
import { CheckRequest, Verdict } from "#proto/weir/v1/check";
import { ReportRequest } from "#proto/weir/v1/report";
import { CheckBatchRequest, CheckBatchResponse, ReportStreamResponse } from "#proto/weir/v1/stream";
import {
  type Decide,
  decision,
  FakeEngine,
  FakeStream,
  fakeCall,
  fakeDeps,
  fakeSnapshot,
} from "../../test/server/fakes.ts";
import type { Decision } from "../engine/decision.ts";
import { STATUS } from "../wire/door.ts";
import { encodeReport } from "../wire/report-encoder.ts";
import { MAX_CHECKS_PER_MESSAGE } from "./check-batch.ts";
import type { ReportClaims } from "./report-ids.ts";
import { nativeCheck } from "./weir-check.ts";
import { MAX_CHECKS_IN_FLIGHT, weirCheckStreamDoor } from "./weir-check-stream.ts";
import { nativeReport } from "./weir-report.ts";
import { MAX_REPORTS_WAITING, weirReportStreamDoor } from "./weir-report-stream.ts";

const SNAPSHOT = fakeSnapshot({ limits: [{ rule: "p/a", onRequest: true }] });

/** A decision that comes when the test says so; checks whose id is in `deduplicationId` are told apart by it. */
class Slow {
  readonly asked = new Map<string, { readonly give: (made: Decision) => void; readonly signal: AbortSignal }>();
  readonly decide: Decide = (_, input) => {
    const { promise, resolve } = Promise.withResolvers<Decision>();
    this.asked.set(input.deduplicationId, { give: resolve, signal: input.call.signal });
    return promise;
  };

  async give(id: string, made: Partial<Decision> = {}): Promise<void> {
    this.asked.get(id)?.give(decision({ decisionId: id, ...made }));
    await settled();
  }
}

/** Promises that wait for nothing have been heard. */
async function settled(): Promise<void> {
  for (let n = 0; n < 10; n++) await Promise.resolve();
}

const byId: Decide = (snapshot, input) => decision({ decisionId: `d-${input.deduplicationId}`, snapshot: snapshot.id });

function openChecks(decide: Decide = byId) {
  const engine = new FakeEngine(SNAPSHOT, decide);
  let nowMs = 5_000;
  const deps = { ...fakeDeps(), monotonicMs: () => nowMs };
  const door = weirCheckStreamDoor(nativeCheck(engine, deps), engine, deps);
  const stream = new FakeStream();
  const handler = door.open(fakeCall(), stream);
  return {
    ...{ engine, door, stream, handler, events: deps.events },
    send: (...checks: readonly (readonly [id: number, request?: Partial<CheckRequest>])[]) =>
      handler.message(checksMessage(checks)),
    wait(ms: number) {
      nowMs += ms;
    },
    /** What has been written since it was asked last, message by message. */
    written: () => stream.sent.splice(0).map(shown),
  };
}

function checksMessage(checks: readonly (readonly [id: number, request?: Partial<CheckRequest>])[]): Uint8Array {
  return CheckBatchRequest.toBinary({
    items: checks.map(([id, request]) => ({
      id: BigInt(id),
      check: CheckRequest.create({ deduplicationId: `${id}`, ...request }),
    })),
  });
}

function shown(bytes: Uint8Array): string[] {
  const { notice, items } = CheckBatchResponse.fromBinary(bytes);
  const answers = items.map(({ id, answer }) => {
    if (answer.oneofKind === "decision") return `${id} ${answer.decision.decisionId}`;
    return answer.oneofKind === "failure" ? `${id} !${answer.failure.statusCode} ${answer.failure.message}` : "nothing";
  });
  return [...(notice ? [`policies ${notice.snapshot}`] : []), ...answers];
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a stream of checks", () => {
  test("says first by which policies it decides, and answers what comes in one turn in one message", () => {
    const { stream, send, written } = openChecks();
    send([1], [2]);
    send([3]);
    expect(written()).toEqual([]);
    stream.turn();
    expect(written()).toEqual([["policies snapshot-1", "1 d-1", "2 d-2", "3 d-3"]]);
    send([1]);
    stream.turn();
    expect(written()).toEqual([["1 d-1"]]);
    stream.turn();
    expect(written()).toEqual([]);
  });

  test("answers a check that had to wait when it is decided, others before it", async () => {
    const slow = new Slow();
    const { stream, send, written, engine } = openChecks((snapshot, input) =>
      input.deduplicationId === "1" ? slow.decide(snapshot, input) : byId(snapshot, input),
    );
    send([1], [2]);
    stream.turn();
    expect(written()).toEqual([["policies snapshot-1", "2 d-2"]]);
    expect(engine.held).toBe(1);
    await slow.give("1");
    stream.turn();
    expect(written()).toEqual([["1 1"]]);
    expect(engine.held).toBe(0);
  });

  test("fails a check that is mistaken, alone and as the unary call would", () => {
    const { stream, handler, send, written, events } = openChecks();
    send([1], [2, { quotas: [{ name: "p/none", bestEffort: false }] }], [3]);
    // The item of id 4 holds a check that is none.
    handler.message(new Uint8Array([0x0a, 5, 0x08, 4, 0x12, 1, 0xff]));
    stream.turn();
    expect(written()).toEqual([
      [
        ...["policies snapshot-1", "1 d-1", "2 !3 no limit on this door is called `p/none`", "3 d-3"],
        "4 !3 the message is no weir.v1.CheckRequest",
      ],
    ]);
    expect(events.seen).toEqual(["undecodable weir"]);
  });

  test("refuses a check as the unary call would", () => {
    const { stream, send } = openChecks(() => decision({ verdict: "denied", reason: "unmatched" }));
    send([1]);
    stream.turn();
    const [message = new Uint8Array()] = stream.sent;
    const [item] = CheckBatchResponse.fromBinary(message).items;
    expect(item?.answer).toMatchObject({ decision: { verdict: Verdict.DENIED, statusCode: STATUS.permissionDenied } });
  });

  test("fails a check whose id is in flight, and lets the one before have its answer and the id be used again", async () => {
    const slow = new Slow();
    const { stream, send, written, engine } = openChecks(slow.decide);
    send([7], [7]);
    send([7]);
    stream.turn();
    const inUse = "7 !3 a check with this `id` has no answer yet";
    expect(written()).toEqual([["policies snapshot-1", inUse, inUse]]);
    await slow.give("7");
    send([7]);
    stream.turn();
    expect(written()).toEqual([["7 7", inUse]]);
    send([7]);
    expect(engine.checks).toHaveLength(2);
  });

  test("fails checks while the engine cannot work, and goes on when it can", () => {
    const { stream, send, written, engine } = openChecks();
    engine.turnAway = "overload";
    send([1]);
    stream.turn();
    engine.turnAway = undefined;
    send([2]);
    stream.turn();
    expect(written()).toEqual([["policies snapshot-1", "1 !14 overloaded, try again"], ["2 d-2"]]);
  });

  test("announces other policies before the first answer by them, and at once when nobody asks", () => {
    const { stream, send, written, engine } = openChecks();
    send([1]);
    engine.switch(fakeSnapshot({ id: "snapshot-2" }));
    send([2]);
    stream.turn();
    expect(written()).toEqual([
      ["policies snapshot-1", "1 d-1"],
      ["policies snapshot-2", "2 d-2"],
    ]);
    engine.switch(fakeSnapshot({ id: "snapshot-3" }));
    stream.turn();
    expect(written()).toEqual([["policies snapshot-3"]]);
  });

  test("announces other policies to every stream, a few at a time", async () => {
    const { door, engine } = openChecks();
    const streams = Array.from({ length: 250 }, () => new FakeStream());
    for (const stream of streams) {
      door.open(fakeCall(), stream);
      stream.turn();
    }
    engine.switch(fakeSnapshot({ id: "snapshot-2" }));
    const told = (): number =>
      streams.filter((stream) => {
        stream.turn();
        return stream.sent.length === 2;
      }).length;
    expect(told()).toBeLessThan(250);
    await vi.runAllTimersAsync();
    expect(told()).toBe(250);
    expect(new Set(streams.map(({ sent }) => shown(sent[1] ?? new Uint8Array()).join()))).toEqual(
      new Set(["policies snapshot-2"]),
    );
  });

  test("is not read beyond what may be in flight, until there is room", async () => {
    const slow = new Slow();
    const { stream, send, engine } = openChecks(slow.decide);
    const batch = (from: number) => Array.from({ length: 128 }, (_, n) => [from + n] as const);
    for (let from = 0; from < MAX_CHECKS_IN_FLIGHT; from += 128) {
      expect(stream.paused).toBe(false);
      send(...batch(from));
    }
    expect([stream.paused, engine.checks.length]).toEqual([true, MAX_CHECKS_IN_FLIGHT]);
    await slow.give("5");
    expect(stream.paused).toBe(true);
    stream.turn();
    expect(stream.paused).toBe(false);
  });

  test("keeps its answers while they are not read, and the places of their checks with them", () => {
    const { stream, send, handler, written } = openChecks();
    stream.reads = false;
    send([1]);
    stream.turn();
    expect(written()).toEqual([["policies snapshot-1", "1 d-1"]]);
    send([2]);
    stream.turn();
    send([2], [3]);
    stream.turn();
    expect(written()).toEqual([]);
    stream.reads = true;
    handler.drained?.();
    stream.turn();
    expect(written()).toEqual([["2 d-2", "2 !3 a check with this `id` has no answer yet", "3 d-3"]]);
  });

  test("gives each check the time of a unary one, from its own arrival", () => {
    const { send, wait, engine } = openChecks();
    send([1]);
    wait(1_000);
    send([2]);
    const given = engine.checks.map(({ call, withinMs }) => [call.arrivedMs, call.deadlineMs, withinMs]);
    const { weirDeadlineMs } = fakeDeps().limits;
    expect(given).toEqual([
      [5_000, undefined, weirDeadlineMs],
      [6_000, undefined, weirDeadlineMs],
    ]);
  });

  test("ends when the client has sent everything and everything is answered", async () => {
    const slow = new Slow();
    const { stream, send, handler, written } = openChecks(slow.decide);
    send([1]);
    let ended: unknown;
    void Promise.resolve(handler.end()).then((reply) => {
      ended = reply;
    });
    for (let turns = 0; turns < 5; turns++) stream.turn();
    await settled();
    expect(ended).toBeUndefined();
    await slow.give("1");
    for (let turns = 0; turns < 5; turns++) stream.turn();
    await settled();
    expect(written()).toEqual([["policies snapshot-1"], ["1 1"]]);
    expect(ended).toEqual({ kind: "status", code: STATUS.ok, message: "" });
  });

  test("that is ended by us still answers what had arrived and was held back", async () => {
    const slow = new Slow();
    const { stream, send, handler } = openChecks(slow.decide);
    for (let id = 0; id < MAX_CHECKS_IN_FLIGHT; id++) send([id]);
    let ended = false;
    void Promise.resolve(handler.end()).then(() => {
      ended = true;
    });
    for (let id = 0; id < MAX_CHECKS_IN_FLIGHT; id++) slow.asked.get(`${id}`)?.give(decision());
    await settled();
    stream.turn();
    expect([stream.paused, ended]).toEqual([false, false]);
    send([9_999]);
    await slow.give("9999");
    for (let turns = 0; turns < 5; turns++) stream.turn();
    await settled();
    expect(ended).toBe(true);
    expect(stream.sent.flatMap(shown).at(-1)).toBe("9999 9999");
  });

  test("ends after a message that is none when the checks before it are answered, and takes none after it", async () => {
    const slow = new Slow();
    const { stream, send, handler, written, engine, events } = openChecks(slow.decide);
    send([1]);
    handler.message(new Uint8Array([0xff]));
    send([2]);
    stream.turn();
    expect([stream.closed, engine.checks.length, events.seen]).toEqual([undefined, 1, ["undecodable weir"]]);
    await slow.give("1");
    for (let turns = 0; turns < 5; turns++) stream.turn();
    expect(written()).toEqual([["policies snapshot-1"], ["1 1"]]);
    expect(stream.closed).toMatchObject({ kind: "status", code: STATUS.invalidArgument });
  });

  test("takes so many checks in a message and no more", () => {
    const { stream, send } = openChecks();
    send(...Array.from({ length: MAX_CHECKS_PER_MESSAGE }, (_, id) => [id] as const));
    for (let turns = 0; turns < 5; turns++) stream.turn();
    expect(stream.closed).toBeUndefined();
    send(...Array.from({ length: MAX_CHECKS_PER_MESSAGE + 1 }, (_, id) => [id] as const));
    for (let turns = 0; turns < 5; turns++) stream.turn();
    expect(stream.closed).toMatchObject({ code: STATUS.invalidArgument });
  });

  test("whose client goes away drops what is in flight and says nothing more", async () => {
    const slow = new Slow();
    const { stream, send, handler, engine, events } = openChecks(slow.decide);
    send([1], [2]);
    handler.cancel();
    expect([...slow.asked.values()].map(({ signal }) => signal.aborted)).toEqual([true, true]);
    expect(engine.held).toBe(2);
    await slow.give("1");
    await slow.give("2");
    engine.switch(fakeSnapshot({ id: "snapshot-2" }));
    stream.turn();
    expect([stream.sent, engine.held, events.errors]).toEqual([[], 0, []]);
  });

  test("has a bug in one check: that one fails, the others are answered", () => {
    const { stream, send, written, events } = openChecks((snapshot, input) => {
      if (input.deduplicationId === "2") throw new Error("inside");
      return byId(snapshot, input);
    });
    send([1], [2], [3]);
    stream.turn();
    expect(written()).toEqual([
      ["policies snapshot-1", "1 d-1", "2 !13 a bug of the engine's, which has been logged", "3 d-3"],
    ]);
    expect(events.errors.map(String)).toEqual(["Error: inside"]);
  });
});

describe("a stream of reports", () => {
  const text = (string: string): AttributeValue => ({ kind: { oneofKind: "string", string } });
  const report = (id: string, count: number): Uint8Array =>
    ReportRequest.toBinary(
      encodeReport(
        Array.from({ length: count }, () => new Map([["request.method", text("GET")]])),
        id,
      ),
    );
  function openReports(claims: ReportClaims = fakeDeps().claims) {
    const engine = new FakeEngine(SNAPSHOT);
    const door = weirReportStreamDoor(nativeReport(engine, { ...fakeDeps(), claims }));
    const open = () => {
      const stream = new FakeStream();
      return { stream, handler: door.open(fakeCall(), stream) };
    };
    return { engine, open, ...open() };
  }
  const acknowledged = (bytes: Uint8Array): string[] =>
    ReportStreamResponse.fromBinary(bytes).items.map(({ index, reportId, answer }) => {
      if (answer.oneofKind === "accepted") {
        return `${index} ${reportId} ${answer.accepted.accepted}${answer.accepted.alreadyAccepted ? " again" : ""}`;
      }
      return answer.oneofKind === "failure" ? `${index} ${reportId} !${answer.failure.statusCode}` : "nothing";
    });

  test("acknowledges every message in order, those of a turn together", () => {
    const { engine, stream, handler } = openReports();
    handler.message(report("a", 2));
    handler.message(report("", 1));
    expect(stream.sent).toEqual([]);
    stream.turn();
    handler.message(report("b", 3));
    stream.turn();
    expect(stream.sent.map(acknowledged)).toEqual([["0 a 2", "1  1"], ["2 b 3"]]);
    expect(engine.records).toHaveLength(6);
    expect(engine.held).toBe(0);
  });

  test("refuses a message whole and goes on with the next", () => {
    const { engine, stream, handler } = openReports();
    handler.message(new Uint8Array([0xff]));
    engine.reportAnswer = "overloaded";
    handler.message(report("a", 1));
    engine.reportAnswer = "queued";
    handler.message(report("a", 1));
    engine.turnAway = "draining";
    handler.message(report("b", 1));
    stream.turn();
    expect(stream.sent.map(acknowledged)).toEqual([["0  !3", "1 a !8", "2 a 1", "3  !14"]]);
    expect(engine.records).toHaveLength(1);
  });

  test("does not take again what was accepted, on whichever stream", () => {
    const { engine, open, handler } = openReports();
    handler.message(report("a", 2));
    const again = open();
    again.handler.message(report("a", 2));
    again.stream.turn();
    expect(again.stream.sent.map(acknowledged)).toEqual([["0 a 2 again"]]);
    expect(engine.records).toHaveLength(2);
  });

  test("acknowledges in order what has to wait until it is known whether it came before, and is not read when much does", async () => {
    const waiting: ((claimed: "unavailable") => void)[] = [];
    const { stream, handler } = openReports({
      claim: () => {
        const { promise, resolve } = Promise.withResolvers<"unavailable">();
        waiting.push(resolve);
        return promise;
      },
    });
    for (let index = 0; index < MAX_REPORTS_WAITING; index++) {
      expect(stream.paused).toBe(false);
      handler.message(report(index === 1 ? "" : `r-${index}`, 1));
    }
    expect(stream.paused).toBe(true);
    for (const resolve of waiting.reverse()) resolve("unavailable");
    for (let index = 0; index < MAX_REPORTS_WAITING; index++) await settled();
    expect(stream.paused).toBe(false);
    stream.turn();
    const answers = stream.sent.flatMap(acknowledged);
    expect(answers.map((answer) => answer.split(" ")[0])).toEqual([...Array(MAX_REPORTS_WAITING).keys()].map(String));
    expect(answers.slice(0, 3)).toEqual(["0 r-0 !14", "1  1", "2 r-2 !14"]);
  });

  test("says what is left to say when it ends, and nothing where nothing is", () => {
    const { handler, open } = openReports();
    handler.message(report("a", 1));
    const reply = handler.end();
    expect("bytes" in reply ? acknowledged(reply.bytes) : reply).toEqual(["0 a 1"]);
    expect(open().handler.end()).toEqual({ kind: "status", code: STATUS.ok, message: "" });
  });

  test("keeps acknowledgements while they are not read", () => {
    const { stream, handler } = openReports();
    stream.reads = false;
    handler.message(report("a", 1));
    stream.turn();
    handler.message(report("b", 1));
    stream.turn();
    expect(stream.sent.map(acknowledged)).toEqual([["0 a 1"]]);
    stream.reads = true;
    handler.drained?.();
    expect(stream.sent.map(acknowledged)).toEqual([["0 a 1"], ["1 b 1"]]);
  });
});
