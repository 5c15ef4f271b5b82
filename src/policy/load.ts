import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { emptyFile, emptyFolder, misplacedFile, settingsMissing } from "../diagnostics/messages/document.ts";
import { wrongType } from "../diagnostics/messages/schema.ts";
import type { AuthoredPolicy, AuthoredRoot } from "./authored.ts";
import { readAttributes } from "./read/attributes.ts";
import { readHandlers } from "./read/handlers.ts";
import { readPolicy } from "./read/policy.ts";
import { defaultSettings, readSettings } from "./read/settings.ts";
import { found, isBroken, isNothing } from "./schema/place.ts";
import { judgePolicyNames, judgeRootNames, judgeRuleNames, type PolicyName } from "./unique.ts";
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

/** The names that give a file at the root its meaning; every other file holds one policy. */
const SETTINGS = "weir.yaml";
const HANDLERS = "handlers.yaml";
const ATTRIBUTES = "attributes.yaml";

/** @returns whether a file is at the root and says what policies depend on. */
export function isRootFile(path: string): boolean {
  return path === SETTINGS || path === HANDLERS || path === ATTRIBUTES;
}

/** The files at the root, read. */
export interface LoadedRoot {
  readonly root: AuthoredRoot;
  readonly diagnostics: readonly Diagnostic[];
  /** Files of which `root` lacks something. */
  readonly unreadable: ReadonlySet<string>;
  readonly hasSettings: boolean;
  /** None of them is there. */
  readonly empty: boolean;
}

export function loadRoot(files: readonly SourceFile[]): LoadedRoot {
  const parsed = files.map(parseFile);
  const settings = loadSettings(parsed);
  const handlers = loadHandlers(parsed);
  const attributes = loadAttributes(parsed);
  const root: AuthoredRoot = {
    settings: settings.settings,
    handlers: handlers.handlers,
    attributes: attributes.attributes,
    derivations: attributes.derivations,
  };
  const diagnostics = [
    ...parsed.flatMap((file) => file.diagnostics),
    ...settings.diagnostics,
    ...handlers.diagnostics,
    ...attributes.diagnostics,
    ...judgeRootNames(root, new Map(files.map((file) => [file.path, file.text]))),
  ];
  const incomplete = [
    ...(settings.complete ? [] : [SETTINGS]),
    ...(handlers.complete ? [] : [HANDLERS]),
    ...(attributes.complete ? [] : [ATTRIBUTES]),
  ];
  const hasSettings = parsed.some(({ role }) => role === "settings");
  return { root, diagnostics, unreadable: new Set(incomplete), hasSettings, empty: files.length === 0 };
}

/** A file that is not at the root, read. Nothing of it depends on other files. */
export interface LoadedPolicyFile {
  readonly path: string;
  readonly role: "policy" | "misplaced";
  /** Undefined when the file is empty or cannot be read. */
  readonly policy: AuthoredPolicy | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

export function loadPolicyFile(source: SourceFile): LoadedPolicyFile {
  const { path, role, map, empty, diagnostics } = parseFile(source);
  const place = { file: path, start: 0, end: 0 };
  if (role !== "policy") {
    const name = baseName(path);
    const told = misplacedFile(place, name, name.replace(/\.yml$/, ".yaml"));
    return { path, role: "misplaced", policy: undefined, diagnostics: [...diagnostics, told] };
  }
  if (empty) return { path, role, policy: undefined, diagnostics: [...diagnostics, emptyFile(place)] };
  if (map === undefined) return { path, role, policy: undefined, diagnostics };
  const read = readPolicy(map, path);
  const names = judgeRuleNames(read.policy, source.text);
  return { path, role, policy: read.policy, diagnostics: [...diagnostics, ...read.diagnostics, ...names] };
}

/** What is wrong with the policy files of a folder as a whole. */
export function judgePolicyFiles(
  root: LoadedRoot,
  files: readonly Pick<LoadedPolicyFile, "path" | "role">[],
  policies: readonly PolicyName[],
): readonly Diagnostic[] {
  return [...judgePolicyNames(policies), ...judgeEmptiness(root, files)];
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

/** A folder that lost its files must not become a snapshot that refuses everybody, or nobody. */
function judgeEmptiness(
  { root, hasSettings, empty }: LoadedRoot,
  files: readonly Pick<LoadedPolicyFile, "path" | "role">[],
): readonly Diagnostic[] {
  const place = { file: SETTINGS, start: 0, end: 0 };
  if (empty && files.length === 0) return [emptyFolder(undefined)];
  const noPolicy = !files.some((file) => file.role === "policy") && !root.settings.allowEmpty;
  // `weir.yml` was told to be misplaced; told twice is told worse.
  const noSettings = !hasSettings && !files.some((file) => file.path === "weir.yml");
  if (noSettings) return [settingsMissing(place)];
  return noPolicy ? [emptyFolder(place)] : [];
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
