import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { documentNames, REPOSITORY, readDocument } from "./documents.ts";

/** Rooms of the repository: what begins with one of them in backticks is a path. */
const ROOTS = ["src", "adapters", "bench", "proto", "policies", "deploy", "docs", "test", ".changes", ".ci"];
/** Inside `docs/architecture.md` flows name files of `src` without it: `engine/check.ts`. */
const PATH = /^[\w.-]+(?:\/[\w.-]+)+\/?$/u;

describe("the map for strangers", () => {
  test("names only paths that exist", async () => {
    const paths = pathsIn(await readDocument("docs/architecture.md"));
    expect(paths.length).toBeGreaterThan(40);
    expect(paths.filter((path) => !isThere(path))).toEqual([]);
  });

  test("says where to go for each of the usual tasks", async () => {
    const [, table = ""] = (await readDocument("docs/architecture.md")).split("## To change X, go to Y");
    const rows = table.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| to change"));
    for (const row of rows) expect(pathsIn(row).length, row).toBeGreaterThan(0);
    expect(rows.length).toBeGreaterThan(10);
  });
});

describe("links between documents", () => {
  test("lead to files that exist and headings that are there", async () => {
    const broken: string[] = [];
    for (const document of await documentNames()) {
      for (const link of linksIn(await readDocument(document))) {
        if (!(await leadsSomewhere(document, link))) broken.push(`${document}: ${link}`);
      }
    }
    expect(broken).toEqual([]);
  });
});

function pathsIn(markdown: string): readonly string[] {
  const spans = [...markdown.matchAll(/`([^`\n]+)`/gu)].flatMap(([, text = ""]) => text.split(/\s+/u));
  return spans.filter(
    (text) =>
      ROOTS.includes(text) ||
      (PATH.test(text) && /\/$|\.[a-z]+$|^(?:src|adapters|proto|policies|deploy)\//u.test(text)),
  );
}

function isThere(path: string): boolean {
  const [root = ""] = path.split("/", 1);
  if (path === "weir-mesh/adapter") return true;
  return existsSync(join(REPOSITORY, ROOTS.includes(root) ? path : `src/${path}`));
}

function linksIn(markdown: string): readonly string[] {
  const prose = markdown.replaceAll(/```[\s\S]*?```/gu, "").replaceAll(/`[^`\n]*`/gu, "``");
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/gu)].map(([, target = ""]) => target);
  return links.filter((target) => !/^[a-z]+:/u.test(target));
}

async function leadsSomewhere(document: string, link: string): Promise<boolean> {
  const [path = "", anchor] = link.split("#", 2);
  const target = path === "" ? document : join(dirname(document), path);
  if (!existsSync(join(REPOSITORY, target))) return false;
  return anchor === undefined || anchorsOf(await readDocument(target)).includes(anchor);
}

/** As GitHub makes them: lower case, spaces to dashes, punctuation gone. */
function anchorsOf(markdown: string): readonly string[] {
  const prose = markdown.replaceAll(/^```[\s\S]*?^```/gmu, "");
  const headings = [...prose.matchAll(/^#{1,6} +(.+?) *$/gmu)].map(([, text = ""]) => text);
  return headings.map((text) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
