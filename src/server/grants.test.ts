import type { PartialMessage } from "@protobuf-ts/runtime";
import { describe, expect, test } from "vitest";
import { CheckRequest } from "#proto/weir/v1/check";
import { ReportRequest } from "#proto/weir/v1/report";
import {
  everything,
  FakeEngine,
  FakeStream,
  fakeCall,
  fakeDeps,
  fakeSnapshot,
  recorded,
} from "../../test/server/fakes.ts";
import type { Grant } from "../policy/authored.ts";
import type { PeerPlan } from "../snapshot/plan.ts";
import { encodeReport } from "../wire/report-encoder.ts";
import { accessLogDoor } from "./access-log.ts";
import { extAuthzDoor } from "./ext-authz.ts";
import { GrantTable } from "./grants.ts";
import { nativeCheck, weirCheckDoor } from "./weir-check.ts";
import { nativeReport, weirReportDoor } from "./weir-report.ts";

const WEB = "spiffe://shop/ns/web/sa/storefront";

function grants(principal: string | undefined, peers?: readonly PeerPlan[], local = false) {
  const { peer } = fakeCall({ local, principal, address: "10.0.0.9:4711" });
  return new GrantTable(fakeSnapshot(peers && { peers })).of(peer);
}

const entry = (peer: string, ...may: readonly Grant[]): PeerPlan => ({ peer, may });

describe("what a peer may do", () => {
  test("is everything on this machine, whatever is written", () => {
    expect(Object.values(grants(undefined, [], true)).every(Boolean)).toBe(true);
  });

  test("is to speak for itself, and as a proxy, where nothing is written", () => {
    const unlisted = { check: true, report: true, proxy: true, quotaOnly: false, assertSource: false };
    expect(grants(WEB)).toEqual(unlisted);
    expect(grants(undefined)).toEqual(unlisted);
  });

  test("is nothing where peers are written and it is not among them", () => {
    expect(Object.values(grants(WEB, [entry("spiffe://shop/ns/api/*", "check")])).some(Boolean)).toBe(false);
    expect(Object.values(grants(undefined, [entry("*", "check", "report")])).some(Boolean)).toBe(false);
    expect(Object.values(grants(WEB, [])).some(Boolean)).toBe(false);
  });

  test("is what all entries say that mean it", () => {
    const peers = [entry("*", "report"), entry(WEB, "check"), entry("spiffe://shop/ns/web/*", "assert-source")];
    expect(grants(WEB, peers)).toMatchObject({ check: true, quotaOnly: true, report: true, assertSource: true });
    expect(grants(`${WEB}-two`, peers)).toMatchObject({ check: false, report: true, assertSource: true });
    expect(grants("web.test", peers)).toMatchObject({ check: false, report: true, assertSource: false });
  });

  test.each([
    ["spiffe://shop/ns/web/*", WEB, true],
    ["spiffe://shop/ns/web/*", "spiffe://shop/ns/web", false],
    ["spiffe://shop/ns/web/*", "spiffe://shop/ns/web/", false],
    ["spiffe://shop/ns/web/*", "spiffe://shop/ns/website/sa/x", false],
    ["spiffe://shop/*", "spiffe://shop.evil/ns/web", false],
    [WEB, `${WEB}/more`, false],
    ["anonymous", "anonymous", true],
    ["web.test", "web.test", true],
    ["web.test", "WEB.test", false],
  ])("`%s` and the peer `%s`: %s", (pattern, principal, meant) => {
    expect(grants(principal, [entry(pattern, "check")]).check).toBe(meant);
  });

  test("without a certificate is what `anonymous` says", () => {
    expect(grants(undefined, [entry("anonymous", "check")])).toMatchObject({ check: true, report: false });
  });
});

describe("at the doors", () => {
  const remote = { local: false, principal: WEB, address: "10.0.0.9:4711" };
  const engineOf = (...may: readonly Grant[]) => new FakeEngine(fakeSnapshot({ peers: [entry(WEB, ...may)] }));
  const ask = (engine: FakeEngine, request: PartialMessage<CheckRequest> = {}) => {
    const message = CheckRequest.toBinary(CheckRequest.create(request));
    return weirCheckDoor(nativeCheck(engine, fakeDeps())).handle(message, fakeCall(remote));
  };
  const [hello] = recorded("ext_authz");
  const log = recorded("als").find((message) => message.case === "als-batch");

  test("a native Check needs `check`, and with it may be of quota alone", () => {
    const refused = engineOf("report", "assert-source", "admin");
    expect(ask(refused)).toMatchObject({ kind: "status", code: 7 });
    expect(refused.checks).toEqual([]);
    expect(refused.held).toBe(0);
    expect(ask(engineOf("check"), { quotaOnly: true })).toMatchObject({ kind: "message" });
  });

  test("a Report needs `report`", () => {
    const send = (engine: FakeEngine) =>
      weirReportDoor(nativeReport(engine, fakeDeps())).handle(
        ReportRequest.toBinary(encodeReport([], "")),
        fakeCall(remote),
      );
    expect(send(engineOf("check", "assert-source"))).toMatchObject({ kind: "status", code: 7 });
    expect(send(engineOf("report"))).toMatchObject({ kind: "message" });
  });

  test.each([
    [["check"], "not-granted"],
    [["assert-source", "report"], "not-granted"],
    [["check", "assert-source"], undefined],
  ] as const)("Envoy with %j is answered, and refused for: %s", (may, reason) => {
    const engine = engineOf(...may);
    const reply = extAuthzDoor(engine, fakeDeps()).handle(hello?.bytes ?? new Uint8Array(), fakeCall(remote));
    expect(reply).toMatchObject({ kind: "message" });
    expect(engine.checks.map(({ refused }) => refused?.reason)).toEqual([reason]);
  });

  test.each([
    [["report"], 0],
    [["check", "assert-source"], 0],
    [["report", "assert-source"], 1],
  ] as const)("an access log from a peer with %j is taken: %i", (may, taken) => {
    const engine = engineOf(...may);
    const deps = fakeDeps();
    const stream = accessLogDoor(engine, deps).open(fakeCall(remote), new FakeStream());
    stream.message(log?.bytes ?? new Uint8Array());
    expect(engine.records.length > 0).toBe(taken === 1);
    if (taken === 0) expect(deps.events.seen).toEqual([expect.stringMatching(/^dropped access-log not-granted \d+$/u)]);
  });

  test("a native caller's word on `source.*` needs `assert-source`", () => {
    const attribute = {
      name: "source.principal",
      value: { kind: { oneofKind: "string", string: "spiffe://somebody" } },
    } as const;
    const heard = (...may: readonly Grant[]) => {
      const engine = engineOf(...may);
      void ask(engine, { attributes: [attribute] });
      const [input] = engine.checks;
      return input && everything(input.source, engine.snapshot).get("source.principal");
    };
    expect([heard("check"), heard("check", "assert-source")]).toEqual([undefined, "spiffe://somebody"]);
  });
});
