import { describe, expect, test } from "vitest";
import { parseDocument } from "yaml";
import type { Diagnostic } from "../../src/diagnostics/diagnostic.ts";
import { renderText } from "../../src/diagnostics/render-text.ts";
import { examine } from "../../src/engine/examine.ts";
import { loadFolder } from "../policy/load-folder.ts";
import { allFences } from "./documents.ts";
import type { Fence } from "./fences.ts";

/**
 * The YAML of the documents is loaded by the real loader. The blocks of one document that name a `file=` are one folder; one with
 * `expect=` is loaded in addition to it and refused with exactly those codes. One without a name is a file by itself, which its first key tells;
 * only its shape is judged. Configuration of other programs says which: `envoy`, `istio`.
 */
const OTHERS = ["envoy", "istio"];
/** The file that begins with a key. */
const FILE_OF_KEY = new Map([
  ["peers", "weir.yaml"],
  ["policy", "example.yaml"],
  ["handlers", "handlers.yaml"],
  ["attributes", "attributes.yaml"],
  ["derive", "attributes.yaml"],
]);

const everything = await allFences();
const fences = everything.filter((fence) => fence.language === "yaml" || fence.language === "yml");
const unnamed = fences.filter((fence) => !isExample(fence) && !isForeign(fence));
const documents = [...new Set(fences.filter(isExample).map((fence) => fence.document))];

describe("YAML shown in the documents", () => {
  test("is there", () => {
    expect(documents).toEqual(expect.arrayContaining(["README.md", "docs/policy-reference.md"]));
  });

  test("says what it is: a file of a policy folder, or whose configuration", () => {
    const unknown = unnamed.filter((fence) => aloneOf(fence) === undefined);
    expect(unknown.map(placeOf)).toEqual([]);
  });

  test.each(unnamed.map((fence) => [placeOf(fence), fence] as const))("has the shape of its file: %s", (_, fence) => {
    const files = [{ path: aloneOf(fence) ?? "", text: fence.text }];
    const { diagnostics } = loadFolder([{ path: "weir.yaml", text: "allow-empty: true\n" }, ...files]);
    expect(renderText(errorsOf(diagnostics), new Map(files.map(({ path, text }) => [path, text])))).toBe("");
  });

  test.each(documents)("loads without an error: the folder of %s", (document) => {
    const { diagnostics, sources } = judge(goodFilesOf(document));
    expect(errorsOf(diagnostics).map((error) => renderText([error], sources))).toEqual([]);
  });

  test.each(documents)("does not give one file twice: %s", (document) => {
    const names = goodFilesOf(document).map((file) => file.path);
    expect(names).toEqual([...new Set(names)]);
  });

  const refused = fences.filter((fence) => fence.info.has("expect"));
  test.each(refused.map((fence) => [placeOf(fence), fence] as const))("is refused as it says: %s", (_, fence) => {
    const { diagnostics } = judge([...goodFilesOf(fence.document), fileOf(fence)]);
    const codes = errorsOf(diagnostics).map((error) => `${error.span?.file} ${error.code}`);
    const expected = (fence.info.get("expect") ?? "").split(",").map((code) => `${fence.info.get("file")} ${code}`);
    expect(codes.sort()).toEqual(expected.sort());
  });

  const mistakes = everything.filter((fence) => fence.info.has("mistake"));
  test.each(mistakes.map((fence) => [placeOf(fence), fence] as const))(
    "is told to be wrong in the words of %s",
    (_, fence) => {
      const [right = "", wrong = ""] = (fence.info.get("mistake") ?? "").split("→");
      const files = goodFilesOf(fence.document).map(({ path, text }) =>
        fence.text.startsWith(`policies/${path}:`) ? { path, text: text.replace(right, wrong) } : { path, text },
      );
      const { diagnostics, sources } = judge(files);
      expect(renderText(diagnostics, sources, { folder: "policies/" })).toBe(fence.text);
    },
  );

  test("shows a mistake", () => {
    expect(mistakes.map(({ document }) => document)).toContain("README.md");
  });

  const foreign = fences.filter(isForeign);
  test.each(foreign.map((fence) => [placeOf(fence), fence] as const))("is YAML: %s", (_, fence) => {
    const { errors, warnings } = parseDocument(fence.text);
    expect([...errors, ...warnings].map(({ message }) => message)).toEqual([]);
  });
});

function isExample(fence: Fence): boolean {
  return fence.info.has("file");
}

function isForeign(fence: Fence): boolean {
  return OTHERS.some((other) => fence.info.has(other));
}

/** @returns the name that the file of an unnamed block would have. */
function aloneOf({ text }: Fence): string | undefined {
  const [, key = ""] = /^(\w+):/mu.exec(text) ?? [];
  return FILE_OF_KEY.get(key);
}

function placeOf(fence: Fence): string {
  return `${fence.document}:${fence.line}`;
}

function fileOf(fence: Fence): { path: string; text: string } {
  return { path: fence.info.get("file") ?? "", text: fence.text };
}

/** A document that shows no `weir.yaml` means the defaults: an empty one. */
function goodFilesOf(document: string): { path: string; text: string }[] {
  const shown = fences.filter((fence) => fence.document === document && isExample(fence) && !fence.info.has("expect"));
  const files = shown.map(fileOf);
  return files.some((file) => file.path === "weir.yaml") ? files : [{ path: "weir.yaml", text: "" }, ...files];
}

function judge(files: readonly { path: string; text: string }[]) {
  return examine({ files, id: "documents", diagnostics: [], signature: "" });
}

function errorsOf(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return diagnostics.filter((diagnostic) => diagnostic.severity === "error");
}
