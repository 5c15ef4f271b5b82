/** A folder read into its authored form, without compiling it. */
import { type Diagnostic, hasErrors } from "../../src/diagnostics/diagnostic.ts";
import { sortDiagnostics } from "../../src/diagnostics/order.ts";
import type { AuthoredFolder } from "../../src/policy/authored.ts";
import { isRootFile, judgePolicyFiles, loadPolicyFile, loadRoot, type SourceFile } from "../../src/policy/load.ts";

export interface LoadedFolder {
  /** Without errors. */
  readonly ok: boolean;
  readonly folder: AuthoredFolder;
  readonly diagnostics: readonly Diagnostic[];
}

export function loadFolder(files: readonly SourceFile[]): LoadedFolder {
  const sorted = files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const root = loadRoot(sorted.filter(({ path }) => isRootFile(path)));
  const loaded = sorted.filter(({ path }) => !isRootFile(path)).map(loadPolicyFile);
  const policies = loaded.flatMap(({ policy }) => policy ?? []);
  const diagnostics = sortDiagnostics([
    ...root.diagnostics,
    ...loaded.flatMap((file) => file.diagnostics),
    ...judgePolicyFiles(root, loaded, policies),
  ]);
  const folder = { ...root.root, policies, sources: new Map(files.map(({ path, text }) => [path, text])) };
  return { ok: !hasErrors(diagnostics), folder, diagnostics };
}
