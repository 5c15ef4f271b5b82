import { type Diagnostic, hasErrors } from "../diagnostics/diagnostic.ts";
import { emptyFile, emptyFolder, misplacedFile, settingsMissing } from "../diagnostics/messages/document.ts";
import { wrongType } from "../diagnostics/messages/schema.ts";
import { sortDiagnostics } from "../diagnostics/order.ts";
import type { AuthoredFolder, AuthoredPolicy, AuthoredSettings } from "./authored.ts";
import { readAttributes } from "./read/attributes.ts";
import { readHandlers } from "./read/handlers.ts";
import { readPolicy } from "./read/policy.ts";
import { defaultSettings, readSettings } from "./read/settings.ts";
import { found, isBroken, isNothing } from "./schema/place.ts";
import { judgeNames } from "./unique.ts";
import { entryOf, type YamlMap, type YamlNode } from "./yaml/node.ts";
import { parseYaml } from "./yaml/parse.ts";

/** A file that was read, before anything is known of what it means. */
export interface SourceFile {
  /** Relative to the folder, with `/`. */
  readonly path: string;
  readonly text: string;
  /** It is there, and why its text could not be had was told; `text` is empty. */
  readonly unreadable?: true;
}

export type LoadedFolder =
  | { readonly ok: true; readonly folder: AuthoredFolder; readonly diagnostics: readonly Diagnostic[] }
  | {
      readonly ok: false;
      /** What could be read all the same, so that its expressions can be judged in the same run; never to be served. See `Incomplete`. */
      readonly folder: AuthoredFolder;
      readonly diagnostics: readonly Diagnostic[];
      /** Files of which `folder` lacks something that others may name: they are not wrong to. See `withoutEchoes`. */
      readonly unreadable: ReadonlySet<string>;
    };

/** The names that give a file at the root its meaning; every other file holds one policy. */
const SETTINGS = "weir.yaml";
const HANDLERS = "handlers.yaml";
const ATTRIBUTES = "attributes.yaml";

/**
 * Reads the files of a folder into its authored form. Pure: the same files give the same answer. All errors of all files at once,
 * in the order of their places.
 */
export function loadFolder(files: readonly SourceFile[]): LoadedFolder {
  const parsed = [...files].sort(byPath).map(parseFile);
  const settings = loadSettings(parsed);
  const handlers = loadHandlers(parsed);
  const attributes = loadAttributes(parsed);
  const policies = loadPolicies(parsed);
  const sources = new Map(files.map((file) => [file.path, file.text]));
  const folder: AuthoredFolder = {
    settings: settings.settings,
    handlers: handlers.handlers,
    attributes: attributes.attributes,
    derivations: attributes.derivations,
    policies: policies.policies,
    sources,
  };
  const diagnostics = sortDiagnostics([
    ...parsed.flatMap((file) => file.diagnostics),
    ...settings.diagnostics,
    ...handlers.diagnostics,
    ...attributes.diagnostics,
    ...policies.diagnostics,
    ...judgeNames(folder),
    ...judgeEmptiness(parsed, settings.settings),
  ]);
  if (!hasErrors(diagnostics)) return { ok: true, folder, diagnostics };
  const incomplete = [
    ...(settings.complete ? [] : [SETTINGS]),
    ...(handlers.complete ? [] : [HANDLERS]),
    ...(attributes.complete ? [] : [ATTRIBUTES]),
    ...parsed
      .filter((file) => file.role === "policy" && file.map === undefined && !file.empty)
      .map((file) => file.path),
  ];
  return { ok: false, folder, diagnostics, unreadable: new Set(incomplete) };
}

interface ParsedFile {
  readonly path: string;
  readonly role: "settings" | "handlers" | "attributes" | "policy" | "misplaced";
  /** Undefined when the file is empty or cannot be read. */
  readonly map: YamlMap | undefined;
  readonly empty: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

function parseFile({ path, text, unreadable }: SourceFile): ParsedFile {
  if (unreadable) return { path, role: roleOf(path, undefined), map: undefined, empty: false, diagnostics: [] };
  const { root, diagnostics } = parseYaml(path, text);
  const role = roleOf(path, root);
  const empty = diagnostics.length === 0 && (root === undefined || isNothing(root));
  if (root?.kind === "map" || empty)
    return { path, role, map: root?.kind === "map" ? root : undefined, empty, diagnostics };
  const told = root === undefined || isBroken(root);
  const wrong = told
    ? []
    : [wrongType(root.span, "a map of keys", found(root), "begin the file with `policy:` and a name")];
  return { path, role, map: undefined, empty, diagnostics: [...diagnostics, ...wrong] };
}

function roleOf(path: string, root: YamlNode | undefined): ParsedFile["role"] {
  if (path === SETTINGS) return "settings";
  if (path === HANDLERS) return "handlers";
  if (path === ATTRIBUTES) return "attributes";
  const holdsPolicy = root?.kind === "map" && entryOf(root, "policy") !== undefined;
  const special = /^(?:weir|handlers|attributes)\.ya?ml$/.test(baseName(path));
  return special && !holdsPolicy ? "misplaced" : "policy";
}

function loadSettings(files: readonly ParsedFile[]) {
  const file = files.find((each) => each.role === "settings");
  if (file?.map !== undefined) return readSettings(file.map, file.path);
  return { settings: defaultSettings(SETTINGS), diagnostics: [], complete: file?.empty ?? false };
}

function loadHandlers(files: readonly ParsedFile[]) {
  const file = files.find((each) => each.role === "handlers");
  if (file?.map !== undefined) return readHandlers(file.map, file.path);
  return { handlers: [], diagnostics: [], complete: file?.empty ?? true };
}

function loadAttributes(files: readonly ParsedFile[]) {
  const file = files.find((each) => each.role === "attributes");
  if (file?.map !== undefined) return readAttributes(file.map, file.path);
  return { attributes: [], derivations: [], diagnostics: [], complete: file?.empty ?? true };
}

function loadPolicies(files: readonly ParsedFile[]) {
  const policies: AuthoredPolicy[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const { path, role, map, empty } of files) {
    const file = { file: path, start: 0, end: 0 };
    if (role === "misplaced") {
      const name = baseName(path);
      diagnostics.push(misplacedFile(file, name, name.replace(/\.yml$/, ".yaml")));
    } else if (role === "policy" && empty) {
      diagnostics.push(emptyFile(file));
    } else if (role === "policy" && map !== undefined) {
      const read = readPolicy(map, path);
      policies.push(read.policy);
      diagnostics.push(...read.diagnostics);
    }
  }
  return { policies, diagnostics };
}

/** A folder that lost its files must not become a snapshot that refuses everybody, or nobody. */
function judgeEmptiness(files: readonly ParsedFile[], settings: AuthoredSettings): readonly Diagnostic[] {
  const place = { file: SETTINGS, start: 0, end: 0 };
  if (files.length === 0) return [emptyFolder(undefined)];
  const noPolicy = !files.some((file) => file.role === "policy") && !settings.allowEmpty;
  // `weir.yml` was told to be misplaced; told twice is told worse.
  const noSettings = !files.some((file) => file.role === "settings" || file.path === "weir.yml");
  if (noSettings) return [settingsMissing(place)];
  return noPolicy ? [emptyFolder(place)] : [];
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** By UTF-16 units: the order in which policies speak is the same on every machine. */
function byPath(a: SourceFile, b: SourceFile): number {
  if (a.path === b.path) return 0;
  return a.path < b.path ? -1 : 1;
}
