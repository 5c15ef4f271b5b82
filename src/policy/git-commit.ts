import { readFile, realpath, stat } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { isMissing, systemCode } from "./links.ts";

/** HEAD may name a ref that names a ref; git itself stops at 5. */
const MAX_SYMBOLIC_REFS = 5;
const COMMIT = /^[0-9a-f]{40}([0-9a-f]{24})?$/;
/** `HEAD` and refs are one line; more is not what we think it is. */
const MAX_REF_BYTES = 4096;

/**
 * @returns the commit that is checked out in the work tree around a folder, undefined when there is none or it cannot be told. Reads
 * git's files, so that no git has to be installed.
 */
export async function gitCommit(folder: string): Promise<string | undefined> {
  try {
    const directory = await gitDirectory(await realpath(folder));
    return directory === undefined ? undefined : await resolveRef(directory, "HEAD");
  } catch (error) {
    // It is worth a line in the status, not a failed load: whatever keeps us from git's files is no fault of the policies.
    if (systemCode(error) !== undefined) return undefined;
    throw error;
  }
}

/** @returns whether git is changing the work tree around a folder: a checkout, a pull, a merge. */
export async function isGitAtWork(folder: string): Promise<boolean> {
  try {
    const directory = await gitDirectory(await realpath(folder));
    return directory !== undefined && (await kindAt(join(directory, "index.lock"))) === "file";
  } catch (error) {
    // Whatever keeps us from git's files is no fault of the policies.
    if (systemCode(error) !== undefined) return false;
    throw error;
  }
}

/** `.git` in the folder or one above it: a directory, or in a linked work tree a file that says where. */
async function gitDirectory(folder: string): Promise<string | undefined> {
  for (let at = folder; ; at = dirname(at)) {
    const candidate = join(at, ".git");
    const kind = await kindAt(candidate);
    if (kind === "directory") return candidate;
    if (kind === "file") {
      const target = /^gitdir: (.+)$/m.exec(await readFile(candidate, "utf8"))?.[1];
      return target === undefined || isAbsolute(target) ? target : join(at, target);
    }
    if (dirname(at) === at) return undefined;
  }
}

async function kindAt(path: string): Promise<"directory" | "file" | undefined> {
  const stats = await stat(path).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (stats?.isDirectory()) return "directory";
  return stats?.isFile() ? "file" : undefined;
}

async function resolveRef(directory: string, name: string): Promise<string | undefined> {
  const common = await commonDirectory(directory);
  let ref = name;
  for (let step = 0; step < MAX_SYMBOLIC_REFS; step++) {
    const text = (await readSmall(join(directory, ref))) ?? (await readSmall(join(common, ref)));
    const content = text?.trim() ?? (await packedRef(common, ref));
    if (content === undefined || COMMIT.test(content)) return content;
    const next = /^ref: (refs\/[^\s]+)$/.exec(content)?.[1];
    if (next === undefined || next.includes("..")) return undefined;
    ref = next;
  }
  return undefined;
}

/** A linked work tree keeps its own HEAD, and its branches where the first work tree has them. */
async function commonDirectory(directory: string): Promise<string> {
  const common = (await readSmall(join(directory, "commondir")))?.trim();
  if (common === undefined) return directory;
  return isAbsolute(common) ? common : join(directory, common);
}

async function packedRef(directory: string, ref: string): Promise<string | undefined> {
  const packed = await readText(join(directory, "packed-refs"));
  const line = packed?.split("\n").find((each) => each.endsWith(` ${ref}`));
  const commit = line?.slice(0, line.indexOf(" "));
  return commit !== undefined && COMMIT.test(commit) ? commit : undefined;
}

async function readSmall(path: string): Promise<string | undefined> {
  const text = await readText(path);
  return text !== undefined && text.length <= MAX_REF_BYTES ? text : undefined;
}

async function readText(path: string): Promise<string | undefined> {
  const kind = await kindAt(path);
  return kind === "file" ? readFile(path, "utf8") : undefined;
}
