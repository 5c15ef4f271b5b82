import { describe, expect, test } from "vitest";
import { FakeEngine, fakeDeps, fakeSnapshot } from "../../test/server/fakes.ts";
import { VOCABULARY_DOORS } from "../attribute/vocabulary-row.ts";
import { DOORS, openDoors } from "./doors.ts";
import { peerAddress } from "./peer-values.ts";

describe("the doors", () => {
  test("are where clients call, each path once", () => {
    const paths = openDoors(new FakeEngine(fakeSnapshot()), fakeDeps()).map((door) => `${door.kind} ${door.path}`);
    expect(paths).toEqual([
      "unary /weir.v1.Weir/Check",
      "stream /weir.v1.Weir/CheckStream",
      "unary /weir.v1.Weir/Report",
      "stream /weir.v1.Weir/ReportStream",
      "unary /envoy.service.auth.v3.Authorization/Check",
      "stream /envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs",
    ]);
  });

  test("are all those that the vocabulary speaks of", () => {
    const names = new Set(DOORS.flatMap((row) => row.names));
    expect([...names]).toEqual(VOCABULARY_DOORS.filter((door) => door !== "decision"));
  });
});

test.each([
  ["127.0.0.1:53211", "127.0.0.1"],
  ["[::1]:53211", "::1"],
  ["::1", "::1"],
  ["10.0.0.1", "10.0.0.1"],
  ["unix:", "unix:"],
  ["unix:/run/weir.sock", "unix:"],
])("the address of a peer at %s is %s", (address, shown) => {
  expect(peerAddress({ address, principal: undefined, local: true })).toBe(shown);
});
