import { describe, expect, test } from "vitest";
import { fakeCall } from "../../test/server/fakes.ts";
import { MAX_REPORT_IDS, REPORT_ID_LIFE_MS, ReportIds, reportKey } from "./report-ids.ts";

const { peer } = fakeCall();

describe("the ids of reports", () => {
  test("are remembered so many at a time: the oldest goes first", () => {
    const ids = new ReportIds(() => 0);
    for (let n = 0; n <= MAX_REPORT_IDS; n++) ids.claim(`r-${n}`, n);
    expect(ids.claim("r-1", 7).before).toBe(1);
    expect(ids.claim(`r-${MAX_REPORT_IDS}`, 7).before).toBe(MAX_REPORT_IDS);
    expect(ids.claim("r-0", 7).before).toBeUndefined();
  });

  test("are forgotten after their life, and kept anew when they are accepted anew", () => {
    let nowMs = 0;
    const ids = new ReportIds(() => nowMs);
    ids.claim("a", 1);
    nowMs = REPORT_ID_LIFE_MS - 1;
    expect(ids.claim("a", 2).before).toBe(1);
    nowMs = REPORT_ID_LIFE_MS;
    expect(ids.claim("a", 2).before).toBeUndefined();
    nowMs = REPORT_ID_LIFE_MS + 1;
    expect(ids.claim("a", 3).before).toBe(2);
  });

  test("are free again when the report was refused, but not by the refusal of a repetition", () => {
    const ids = new ReportIds(() => 0);
    const first = ids.claim("a", 1);
    ids.claim("a", 1).undo();
    expect(ids.claim("a", 1).before).toBe(1);
    first.undo();
    expect(ids.claim("a", 5).before).toBeUndefined();
    first.undo();
    expect(ids.claim("a", 1).before).toBe(5);
  });

  test("belong to who sent them, by certificate and host, whatever the port", () => {
    const key = reportKey(peer, "a");
    expect(reportKey({ ...peer, address: "127.0.0.1:1" }, "a")).toBe(key);
    expect(reportKey({ ...peer, address: "10.0.0.1:53211" }, "a")).not.toBe(key);
    expect(reportKey({ ...peer, principal: "spiffe://a" }, "a")).not.toBe(key);
  });
});
