import { describe, expect, test } from "vitest";
import { fakeCall } from "../../test/server/fakes.ts";
import { MAX_REPORT_IDS, REPORT_ID_LIFE_MS, ReportIds } from "./report-ids.ts";

const { peer } = fakeCall();

describe("the ids of reports", () => {
  test("are remembered so many at a time: the oldest goes first", () => {
    const ids = new ReportIds();
    for (let n = 0; n <= MAX_REPORT_IDS; n++) ids.remember(peer, `r-${n}`, n, 0);
    expect([ids.find(peer, "r-0", 0), ids.find(peer, "r-1", 0), ids.find(peer, `r-${MAX_REPORT_IDS}`, 0)]).toEqual([
      undefined,
      1,
      MAX_REPORT_IDS,
    ]);
  });

  test("are forgotten after their life, and kept anew when they are accepted anew", () => {
    const ids = new ReportIds();
    ids.remember(peer, "a", 1, 0);
    expect(ids.find(peer, "a", REPORT_ID_LIFE_MS - 1)).toBe(1);
    expect(ids.find(peer, "a", REPORT_ID_LIFE_MS)).toBeUndefined();
    ids.remember(peer, "a", 2, REPORT_ID_LIFE_MS);
    expect(ids.find(peer, "a", REPORT_ID_LIFE_MS + 1)).toBe(2);
  });

  test("belong to who sent them, by certificate and host, whatever the port", () => {
    const ids = new ReportIds();
    ids.remember(peer, "a", 1, 0);
    expect(ids.find({ ...peer, address: "127.0.0.1:1" }, "a", 0)).toBe(1);
    expect(ids.find({ ...peer, address: "10.0.0.1:53211" }, "a", 0)).toBeUndefined();
    expect(ids.find({ ...peer, principal: "spiffe://a" }, "a", 0)).toBeUndefined();
  });
});
