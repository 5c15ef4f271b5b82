import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Fence, fencesOf } from "./fences.ts";

export const REPOSITORY = join(import.meta.dirname, "../..");

/** @returns what a reader of the project finds first: the README and the pages under `docs/`. */
export async function documentNames(): Promise<readonly string[]> {
  const pages = (await readdir(join(REPOSITORY, "docs"))).filter((name) => name.endsWith(".md")).sort();
  return ["README.md", ...pages.map((name) => `docs/${name}`)];
}

export async function readDocument(name: string): Promise<string> {
  return await readFile(join(REPOSITORY, name), "utf8");
}

/** @returns every fenced block of every document. */
export async function allFences(): Promise<readonly Fence[]> {
  const documents = await documentNames();
  const fences = await Promise.all(documents.map(async (name) => fencesOf(name, await readDocument(name))));
  return fences.flat();
}
