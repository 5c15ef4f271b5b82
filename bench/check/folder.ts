import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { policyFiles, type RuleSet } from "./rule-sets.ts";

/** A folder of policies that is on disk for as long as something is measured. */
export interface PolicyFolder extends AsyncDisposable {
  readonly path: string;
  /** Writes the one file in which this edition differs, beside the folder. @returns the rename that makes it be there. */
  prepare(edition: number): Promise<{ readonly from: string; readonly to: string }>;
}

export async function writePolicies(set: RuleSet): Promise<PolicyFolder> {
  const root = await mkdtemp(join(tmpdir(), "weir-bench-"));
  const path = join(root, "policies");
  const files = policyFiles(set);
  await mkdir(path);
  for (const [name, text] of files) await writeFile(join(path, name), text);
  return {
    path,
    async prepare(edition) {
      const edited = [...policyFiles(set, edition)].find(([name, text]) => files.get(name) !== text);
      if (edited === undefined) throw new Error("an edition like the one before");
      const from = join(root, "edited.yaml");
      await writeFile(from, edited[1]);
      return { from, to: join(path, edited[0]) };
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}
