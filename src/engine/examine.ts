import { type Diagnostic, hasErrors, type Sources } from "../diagnostics/diagnostic.ts";
import { sortDiagnostics } from "../diagnostics/order.ts";
import type { AuthoredFolder } from "../policy/authored.ts";
import { withoutEchoes } from "../policy/echoes.ts";
import type { FolderReading } from "../policy/folder.ts";
import { loadFolder } from "../policy/load.ts";
import { compile } from "../snapshot/compile.ts";
import type { HandlerIssue, HandlerSpec } from "../snapshot/handler-set.ts";
import { handlerDiagnostics } from "../snapshot/handlers.ts";
import type { Plan } from "../snapshot/plan.ts";

/** One reading of a folder, judged: the plan, or everything that is wrong with it. */
export interface Examination {
  /** Undefined when there is an error. */
  readonly plan: Plan | undefined;
  readonly folder: AuthoredFolder;
  readonly handlers: readonly HandlerSpec[];
  /** In the order of files, lines and columns. */
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: Sources;
}

/** Parses, checks and compiles a folder. Errors of every stage come together: what one file has wrong does not hide another's mistakes. */
export function examine(reading: FolderReading): Examination {
  const loaded = loadFolder(reading.files);
  const { folder } = loaded;
  const compiled = compile(folder, reading.id);
  const blameless = withoutEchoes(loaded, compiled.diagnostics);
  // Nothing could be read: that nothing is there is no news.
  const unread = reading.files.length === 0 && hasErrors(reading.diagnostics);
  const found = unread ? [] : [...loaded.diagnostics, ...blameless];
  const diagnostics = sortDiagnostics([...reading.diagnostics, ...found]);
  const plan = hasErrors(diagnostics) ? undefined : compiled.plan;
  return { plan, folder, handlers: compiled.handlers, diagnostics, sources: folder.sources };
}

/** Judges a handler's adapter and config without opening it. */
export interface HandlerJudge {
  validate(specs: readonly HandlerSpec[]): Promise<readonly HandlerIssue[]>;
}

/** As `examine`, with the adapters' own judgement of their config: everything that `weir validate` says. */
export async function examineWithHandlers(reading: FolderReading, host: HandlerJudge): Promise<Examination> {
  const examination = examine(reading);
  const issues = await host.validate(examination.handlers);
  if (issues.length === 0) return examination;
  const found = handlerDiagnostics(examination.folder, issues);
  return { ...examination, plan: undefined, diagnostics: sortDiagnostics([...examination.diagnostics, ...found]) };
}

/** A handler that could be judged and not be opened: what it says at the very end. */
export function refusedByHandlers(examination: Examination, issues: readonly HandlerIssue[]): Examination {
  return { ...examination, plan: undefined, diagnostics: handlerDiagnostics(examination.folder, issues) };
}
