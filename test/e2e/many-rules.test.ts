/** Ten thousand rules, one of which changes while somebody asks all the time: nobody notices but by the answer. */
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startWeir, type WeirProcess } from "../../deploy/weir-process.ts";
import { CheckRequest, connectWeir, Verdict, type WeirClient } from "../../src/wire/client.ts";
import { writePolicies } from "./support/policies.ts";

const FILES = 100;
const RULES_PER_FILE = 100;
const EDITIONS = 5;
const PATIENT_MS = 20_000;
/** A machine that has much else to do is not what is tested here. */
const NO_OVERLOAD = ["--limit", "overload-delay-ms=0"];

describe.each([["1"], ["2"]])("ten thousand rules, with --workers %s", (workers) => {
  let dir: string;
  let weir: WeirProcess;
  let client: WeirClient;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "weir-many-"));
    const policies = Array.from({ length: FILES }, (_, file) => [`p${file}.yaml`, policy(file, 0)] as const);
    await writePolicies(join(dir, "policies"), {
      "weir.yaml": "doors: { weir: { requires: [source.principal] } }\n",
      ...Object.fromEntries(policies),
    });
    weir = await startWeir({ policies: join(dir, "policies"), args: ["--workers", workers, ...NO_OVERLOAD] });
    client = connectWeir({ kind: "tcp", host: "127.0.0.1", port: weir.grpcPort });
  });

  afterAll(async () => {
    client?.close();
    await weir?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  test("an edit of one is live, and every answer is by the rules before it or after it", async () => {
    for (let edition = 1; edition <= EDITIONS; edition += 1) {
      await writeFile(join(dir, "edited.yaml"), policy(42, edition));
      let isNew = false;
      const renamed = rename(join(dir, "edited.yaml"), join(dir, "policies/p42.yaml"));
      while (!isNew) {
        const [before, after, other] = await Promise.all([
          verdictOf(subject(42, edition - 1)),
          verdictOf(subject(42, edition)),
          verdictOf(subject(77, 0)),
        ]);
        expect(other).toBe(Verdict.ALLOWED);
        // Three questions may lie to both sides of the change, and none may be answered by neither.
        expect([before, after]).toContain(Verdict.ALLOWED);
        isNew = after === Verdict.ALLOWED && before === Verdict.DENIED;
      }
      await renamed;
      expect(await verdictOf(subject(42, edition - 1))).toBe(Verdict.DENIED);
    }
  });

  async function verdictOf(principal: string): Promise<Verdict> {
    const kind = { oneofKind: "string", string: principal } as const;
    const attributes = [{ name: "source.principal", value: { kind } }];
    const called = await client.check(CheckRequest.create({ attributes }), PATIENT_MS);
    if (called.kind !== "answered") throw new Error(`not answered: ${called.message}`);
    return called.message.verdict;
  }
});

/** The last rule of a file differs from edition to edition. */
function policy(file: number, edition: number): string {
  const rules = Array.from({ length: RULES_PER_FILE }, (_, rule) => {
    const principal = rule === RULES_PER_FILE - 1 ? subject(file, edition) : `spiffe://shop/sa/p${file}-${rule}`;
    return `  - allow: rule-${rule}\n    when: source.principal == "${principal}"\n`;
  });
  return `policy: p${file}\ncheck:\n${rules.join("")}`;
}

function subject(file: number, edition: number): string {
  return `spiffe://shop/sa/p${file}-edition-${edition}`;
}
