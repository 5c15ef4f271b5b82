import { connect } from "node:tls";
import { describe, expect, test } from "vitest";
import type { TlsMaterial } from "../../src/wire/tls-material.ts";
import { eventually } from "../e2e/support/eventually.ts";
import { selfSigned } from "../wire/certificates.ts";
import { FaultySpawn } from "./faults.ts";
import { type Caller, Service } from "./service.ts";

const MOMENTS = ["unheard", "heard"] as const;

/** Connections among which two more on one thread are too many. */
const MOST_THROWN = 6;

describe("a thread in trouble", () => {
  test.each(MOMENTS)("that dies as it is told to move connections away, %s, is replaced", async (moment) => {
    const faults = new FaultySpawn();
    await using service = new Service({ threads: 2, spawn: faults.spawn });
    await service.start("v1");
    faults.arm({ kind: "move-away", moment });
    let callers: Caller[] = [];
    await eventually("a thread with two connections more than the other, and its death of it", async () => {
      const [first, second] = service.threads();
      const more = (first?.connections ?? 0) - (second?.connections ?? 0);
      // The system deals connections out like dice. Among many, two more are not too many: then they are thrown again.
      const lost = more <= -2 || callers.length > MOST_THROWN;
      if (faults.armed > 0 && lost) {
        for (const caller of callers) caller.close();
        callers = [];
      }
      if (faults.armed > 0 && (lost || more < 2)) callers.push(service.connect());
      await Promise.all(callers.map((caller) => caller.check()));
      return faults.armed === 0;
    });
    await eventually("both threads again", () => service.births === 3 && service.allServe());
    for (const caller of callers) expect((await caller.check()).kind).toBe("answered");
    for (const caller of callers) caller.close();
  });

  test.each(MOMENTS)(
    "that dies as it is told of new certificates, %s, has a successor with the new ones",
    async (moment) => {
      const faults = new FaultySpawn();
      const [old, young] = [materialOf("old.test"), materialOf("young.test")];
      const settings = { tls: { material: old, clients: "require" } } as const;
      await using service = new Service({ threads: 2, spawn: faults.spawn, settings });
      await service.start("v1");
      expect(await subjectAt(service.port)).toBe("old.test");
      faults.arm({ kind: "certificates", moment });
      service.supervisor.useCertificates(young);
      await eventually("both threads again", () => service.births === 3 && service.allServe());
      const subjects = await Promise.all(Array.from({ length: 12 }, () => subjectAt(service.port)));
      expect(new Set(subjects)).toEqual(new Set(["young.test"]));
    },
  );

  test("whose event loop does not turn any more is ended and replaced; the other one answers meanwhile", async () => {
    const faults = new FaultySpawn();
    await using service = new Service({ threads: 2, spawn: faults.spawn });
    await service.start("v1");
    faults.hang();
    await eventually("both threads again", () => service.births === 3 && service.allServe());
    const callers = Array.from({ length: 4 }, () => service.connect());
    for (const caller of callers) expect((await caller.check()).kind).toBe("answered");
    for (const caller of callers) caller.close();
    expect(service.lines.join("")).toContain("its event loop has not turned for too long");
    expect(await service.metric("weir_worker_deaths_total")).toBe(1);
  });

  test("takes along what it had not handed over, and that is counted", async () => {
    const faults = new FaultySpawn();
    await using service = new Service({ threads: 1, spawn: faults.spawn });
    await service.start("v1");
    const caller = service.connect();
    await service.supervisor.flush();
    for (let n = 0; n < 7; n += 1) await caller.check();
    faults.fail();
    await eventually("its successor", () => service.births === 2 && service.allServe());
    caller.close();
    await service.supervisor.flush();
    const lost = await service.metric("weir_worker_lost_total", { what: "decisions" });
    expect((await service.metric("weir_decisions_total")) + lost).toBe(7);
    expect(await service.metric("weir_in_flight")).toBe(0);
  });
});

function materialOf(subject: string): TlsMaterial {
  const { certificate, key } = selfSigned(subject, { dns: ["localhost"] }, Date.now());
  return { certificate, key, expiresAtMs: Date.now() + 3_600_000 };
}

/** Whom the server says it is. */
function subjectAt(port: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ALPNProtocols: ["h2"] }, () => {
      const { CN } = socket.getPeerCertificate().subject;
      socket.destroy();
      resolve(Array.isArray(CN) ? CN[0] : CN);
    });
    socket.once("error", reject);
  });
}
