import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type CaseFile, openCase } from "./case.ts";

/** Every file beside this one: a folder of policies, requests in order, and what each is answered. */
const FOLDER = import.meta.dirname;

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith(".yaml"))) {
  const text = readFileSync(join(FOLDER, file), "utf8");
  // The cases are ours; one that does not have this shape fails on its first use.
  const authored = parse(text, { intAsBigInt: false }) as CaseFile;
  describe(`${file}: ${authored.about}`, () => {
    test("every request is answered as the file says", async () => {
      const running = await openCase(authored.files);
      for (const request of authored.requests) {
        const answer = await running.check(request);
        // What is said of changes and limits is said whole; of the rest, what the file names.
        expect(answer, request.name).toMatchObject(request.expect);
        if ("changes" in request.expect) expect(answer.changes, request.name).toEqual(request.expect["changes"]);
      }
      await running.close();
    });
  });
}
