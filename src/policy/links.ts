import { lstat, readlink } from "node:fs/promises";
import { isAbsolute, join, resolve, sep } from "node:path";

/** As many symlinks on the way to one file as Linux follows. */
const MAX_LINKS = 40;

/** What was found on the way to a file: where it really is, and every symlink that leads there. */
export interface Way {
  /** The real path. Undefined when a part of it is missing or the links go in a circle. */
  readonly real: string | undefined;
  /** Where the way ended: the first path that is not there, or the last link of a circle. */
  readonly last: string;
  readonly links: readonly Link[];
}

interface Link {
  /** The directory in which the symlink stands: what has to be watched to see it change. */
  readonly directory: string;
  readonly name: string;
  readonly target: string;
}

/**
 * Follows a path part by part. `realpath` would only say where it ends; watching needs to know each symlink in between, because
 * swapping one of them (`..data` of a ConfigMap) changes nothing at either end.
 */
export async function follow(path: string): Promise<Way> {
  const links: Link[] = [];
  let rest = resolve(path)
    .split(sep)
    .filter((part) => part !== "");
  let at: string = sep;
  while (rest.length > 0) {
    const [part = "", ...others] = rest;
    const next = join(at, part);
    const target = await linkTarget(next);
    if (target === "missing") return { real: undefined, last: next, links };
    if (target === undefined) {
      at = next;
      rest = others;
      continue;
    }
    links.push({ directory: at, name: part, target });
    if (links.length > MAX_LINKS) return { real: undefined, last: next, links };
    const absolute = isAbsolute(target) ? target : join(at, target);
    rest = [
      ...resolve(absolute)
        .split(sep)
        .filter((each) => each !== ""),
      ...others,
    ];
    at = sep;
  }
  return { real: at, last: at, links };
}

async function linkTarget(path: string): Promise<string | undefined | "missing"> {
  try {
    return (await lstat(path)).isSymbolicLink() ? await readlink(path) : undefined;
  } catch (error) {
    if (isMissing(error)) return "missing";
    throw error;
  }
}

/** @returns whether a path is a directory or something in it. */
export function isInside(directory: string, path: string): boolean {
  return path === directory || path.startsWith(directory.endsWith(sep) ? directory : directory + sep);
}

/** @returns the error's code when it came from the operating system. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

export function isMissing(error: unknown): boolean {
  const code = systemCode(error);
  return code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP";
}
