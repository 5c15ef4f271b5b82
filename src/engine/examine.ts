import { type Diagnostic, hasErrors, type Sources } from "../diagnostics/diagnostic.ts";
import { sortDiagnostics } from "../diagnostics/order.ts";
import { type UnreadPolicy, unreadOf, withoutEchoes } from "../policy/echoes.ts";
import type { FolderReading } from "../policy/folder.ts";
import {
  isRootFile,
  judgePolicyFiles,
  type LoadedPolicyFile,
  type LoadedRoot,
  loadPolicyFile,
  loadRoot,
  type SourceFile,
} from "../policy/load.ts";
import { assemble, type CompiledRoot, compilePolicyFile, compileRoot } from "../snapshot/compile.ts";
import type { HandlerIssue, HandlerSpec } from "../snapshot/handler-set.ts";
import { handlerDiagnostics } from "../snapshot/handlers.ts";
import type { Plan, PlanFrame, PolicyPlan, SlotPlan } from "../snapshot/plan.ts";
import type { PolicySummary } from "../snapshot/summary.ts";

/** One reading of a folder, judged: the plan, or everything that is wrong with it. */
export interface Examination {
  /** Undefined when there is an error. */
  readonly plan: Plan | undefined;
  readonly handlers: readonly HandlerSpec[];
  /** In the order of files, lines and columns. */
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: Sources;
  /** Puts what is wrong with handlers into the folder's coordinates. */
  readonly place: (issues: readonly HandlerIssue[]) => readonly Diagnostic[];
}

/** Parses, checks and compiles a folder. Errors of every stage come together: what one file has wrong does not hide another's mistakes. */
export function examine(reading: FolderReading): Examination {
  const { frame, ...examined } = new Examiner((plan) => plan).examine(reading);
  return { ...examined, plan: frame && { ...frame, policies: examined.policies } };
}

/** As an examination, with its policies in whatever form they are kept. */
export interface Examined<P> extends Omit<Examination, "plan"> {
  /** Undefined when there is an error. */
  readonly frame: PlanFrame | undefined;
  /** In the order of their files. */
  readonly policies: readonly P[];
  readonly summaries: readonly PolicySummary[];
}

/**
 * Examines one folder again and again. What a file says by itself, given the files at the root, is worked out when the file changes; what
 * policies are together, each time. So an edit of one file gives what examining the whole folder would, for the price of that file.
 */
export class Examiner<P> {
  readonly #keep: (plan: PolicyPlan) => P;
  #ground: Ground | undefined;
  #files: ReadonlyMap<string, ExaminedFile<P>> = new Map();
  /** The numbering goes on from reading to reading, so that what was linked stays true. */
  #slots: readonly SlotPlan[] = [];

  /** @param keep what is kept of a policy: neither its tree nor its text is, unless here. */
  constructor(keep: (plan: PolicyPlan) => P) {
    this.#keep = keep;
  }

  /** Works out what each file of a reading says by itself: examining the same files then costs no more than putting it together. */
  prepare({ files }: FolderReading): void {
    this.#examineFiles(files, this.#groundOf(files.filter(({ path }) => isRootFile(path))));
  }

  examine({ files: sources, id, diagnostics: ofReading }: FolderReading): Examined<P> {
    const ground = this.#groundOf(sources.filter(({ path }) => isRootFile(path)));
    const files = this.#examineFiles(sources, ground);
    const policies = files.flatMap(({ policy }) => policy ?? []);
    const summaries = policies.map(({ summary }) => summary);
    const assembly = assemble(id, ground.compiled, summaries, this.#slots);
    const texts = new Map(sources.map(({ path, text }) => [path, text]));
    const unread = new Map(files.flatMap(({ path, unread }) => (unread ? [[path, unread] as const] : [])));
    const compiled = [
      ...ground.compiled.diagnostics,
      ...files.flatMap((file) => file.compiled),
      ...assembly.diagnostics,
    ];
    const found = [
      ...ground.loaded.diagnostics,
      ...files.flatMap((file) => file.loaded),
      ...judgePolicyFiles(ground.loaded, files, summaries),
      ...withoutEchoes({ root: ground.loaded.unreadable, policies: unread, sources: texts }, compiled),
    ];
    // Nothing could be read: that nothing is there is no news.
    const isUnread = sources.length === 0 && hasErrors(ofReading);
    const diagnostics = sortDiagnostics([...ofReading, ...(isUnread ? [] : found)]);
    const { frame } = assembly;
    if (!hasErrors(diagnostics)) this.#slots = frame.slots;
    return {
      frame: hasErrors(diagnostics) ? undefined : frame,
      policies: policies.map(({ kept }) => kept),
      summaries,
      handlers: frame.handlers,
      diagnostics,
      sources: texts,
      place: (issues) => handlerDiagnostics(ground.loaded.root.handlers, summaries, issues),
    };
  }

  #groundOf(files: readonly SourceFile[]): Ground {
    const before = this.#ground;
    if (before !== undefined && isSame(before.files, files)) return before;
    const loaded = loadRoot(files);
    this.#ground = { files, loaded, compiled: compileRoot(loaded.root) };
    // Everything depends on it.
    this.#files = new Map();
    return this.#ground;
  }

  /** In the order of their paths. */
  #examineFiles(sources: readonly SourceFile[], ground: Ground): readonly ExaminedFile<P>[] {
    const files = sources
      .filter(({ path }) => !isRootFile(path))
      .sort(byPath)
      .map((source) => {
        const known = this.#files.get(source.path);
        return known !== undefined && isSameFile(known.source, source) ? known : this.#examineFile(source, ground);
      });
    this.#files = new Map(files.map((file) => [file.path, file]));
    return files;
  }

  #examineFile(source: SourceFile, { compiled: whole }: Ground): ExaminedFile<P> {
    const { path, role, policy, diagnostics } = loadPolicyFile(source);
    const file = { source, path, role, loaded: diagnostics };
    if (policy === undefined) return { ...file, compiled: [], unread: undefined, policy: undefined };
    const { plan, summary, diagnostics: compiled } = compilePolicyFile(policy, source.text, whole);
    return { ...file, compiled, unread: unreadOf(policy), policy: { kept: this.#keep(plan), summary } };
  }
}

/** What every policy stands on. */
interface Ground {
  readonly files: readonly SourceFile[];
  readonly loaded: LoadedRoot;
  readonly compiled: CompiledRoot;
}

interface ExaminedFile<P> extends Pick<LoadedPolicyFile, "path" | "role"> {
  readonly source: SourceFile;
  readonly loaded: readonly Diagnostic[];
  readonly compiled: readonly Diagnostic[];
  readonly unread: UnreadPolicy | undefined;
  readonly policy: { readonly kept: P; readonly summary: PolicySummary } | undefined;
}

function isSame(some: readonly SourceFile[], others: readonly SourceFile[]): boolean {
  return (
    some.length === others.length &&
    some.every((one, index) => {
      const other = others[index];
      return other !== undefined && isSameFile(one, other);
    })
  );
}

function isSameFile(one: SourceFile, other: SourceFile): boolean {
  return one.path === other.path && one.unreadable === other.unreadable && one.text === other.text;
}

/** By UTF-16 units: the order in which policies speak is the same on every machine. */
function byPath(a: SourceFile, b: SourceFile): number {
  if (a.path === b.path) return 0;
  return a.path < b.path ? -1 : 1;
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
  const found = examination.place(issues);
  return { ...examination, plan: undefined, diagnostics: sortDiagnostics([...examination.diagnostics, ...found]) };
}
