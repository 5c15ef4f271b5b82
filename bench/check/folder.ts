import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { policyFiles, type RuleSet } from "./rule-sets.ts";

/** A folder of policies that is on disk for as long as something is measured. */
export interface PolicyFolder extends AsyncDisposable {
  readonly path: string;
  /** Replaces the one file in which this edition differs, at once, as an editor or `git checkout` does. */
  edit(edition: number): Promise<void>;
}

export async function writePolicies(set: RuleSet): Promise<PolicyFolder> {
  const path = await mkdtemp(join(tmpdir(), "weir-bench-"));
  for (const [name, text] of policyFiles(set)) await writeFile(join(path, name), text);
  const before = policyFiles(set);
  return {
    path,
    async edit(edition) {
      for (const [name, text] of policyFiles(set, edition)) {
        if (text === before.get(name)) continue;
        const beside = join(tmpdir(), `weir-bench-${process.pid}-edit`);
        await writeFile(beside, text);
        await rename(beside, join(path, name));
      }
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}
