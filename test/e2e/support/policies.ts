import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** A policy folder: the text of each file by its path. */
export type PolicyFiles = Readonly<Record<string, string>>;

/** Writes the files of a folder, and leaves what else is there. */
export async function writePolicies(folder: string, files: PolicyFiles): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

/** Replaces one file as an editor does that writes beside it and renames. */
export async function replaceByRename(folder: string, path: string, text: string): Promise<void> {
  const beside = join(folder, `${path}~`);
  await writeFile(beside, text);
  await rename(beside, join(folder, path));
}

/** Handlers that every folder here may use: lines in a file, metrics, counters. */
export function usualHandlers(logFile: string): string {
  return `handlers:
  - handler: log
    adapter: log
    config: { file: "${logFile}" }
  - handler: prometheus
    adapter: prometheus
  - handler: counters
    adapter: memory-quota
`;
}

/** Writes down every decision and every ended request with the header by which a test finds its own. */
export const WATCH = `policy: watch
report:
  - logentry: decisions
    of: decision
    handlers: [log]
    message: \${check.verdict} (\${check.reason})
    variables:
      case: request.headers.get("x-case", "")
      method: request.method
      verdict: check.verdict
      reason: check.reason
      rule: check.rule
      detail: check.detail
      decision: check.decision_id
      snapshot: check.snapshot
  - logentry: requests
    handlers: [log]
    message: \${request.method} \${response.code}
    variables:
      case: request.headers.get("x-case", "")
      method: request.method
      verdict: check.verdict
      reason: check.reason
      rule: check.rule
      decision: check.decision_id
      snapshot: check.snapshot
      code: response.code
      details: response.code_details
      protocol: request.protocol
      path: request.path
`;
