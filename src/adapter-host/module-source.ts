import { realpath, stat } from "node:fs/promises";
import { findPackageJSON } from "node:module";
import { join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import * as messages from "../diagnostics/messages/handler.ts";
import { suggest } from "../diagnostics/suggest.ts";
import { FIRST_PARTY_ADAPTERS } from "./first-party.ts";

/** Where the modules named by `adapter:` come from. */
export type ModuleSource = (adapter: string) => Promise<FoundModule>;

export type FoundModule =
  | { readonly ok: true; readonly module: unknown }
  | { readonly ok: false; readonly words: messages.HandlerWords };

export interface ModuleSourceOptions {
  /** The policy folder; `./path` is relative to it. */
  readonly folder: string;
  /** Imports a module by its specifier. */
  readonly importModule?: (specifier: string) => Promise<unknown>;
}

const FIRST_PARTY_NAMES = FIRST_PARTY_ADAPTERS.map(({ name }) => name);
/** npm's own rule for names of packages, with an entry point behind it or not. */
const PACKAGE_NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*(?:\/[A-Za-z0-9._~-]+)*$/;
const MAX_NAME_LENGTH = 214;
const INDEX_FILES = ["index.js", "index.mjs", "index.ts"];

/**
 * Finds the modules of adapters: a first-party name, then an npm package that is installed where Weir is, or a `./path` in the policy
 * folder. Nothing is discovered: only what `handlers.yaml` names is ever loaded. An edited module is loaded anew when Weir starts anew.
 */
export function createModuleSource(options: ModuleSourceOptions): ModuleSource {
  const importModule = options.importModule ?? ((specifier: string) => import(/* @vite-ignore */ specifier));
  const load = async (adapter: string, specifier: string): Promise<FoundModule> => {
    try {
      return { ok: true, module: await importModule(specifier) };
    } catch (error) {
      return refuse(messages.moduleFailed(adapter, error instanceof Error ? error.message : String(error)));
    }
  };
  return async (adapter) => {
    // By the package's own name, so that it is the source in development and the build where Weir is installed.
    if (FIRST_PARTY_NAMES.includes(adapter)) return load(adapter, `weir-mesh/adapters/${adapter}`);
    if (adapter.startsWith("./") || adapter.startsWith("../")) {
      const file = await fileInFolder(options.folder, adapter);
      return typeof file === "string" ? load(adapter, pathToFileURL(file).href) : refuse(file);
    }
    if (adapter.length > MAX_NAME_LENGTH || !PACKAGE_NAME.test(adapter))
      return refuse(messages.notAnAdapterName(adapter));
    if (!isInstalled(adapter)) {
      return refuse(messages.unknownAdapter(adapter, suggest(adapter, FIRST_PARTY_NAMES), FIRST_PARTY_NAMES));
    }
    return load(adapter, adapter);
  };
}

function refuse(words: messages.HandlerWords): FoundModule {
  return { ok: false, words };
}

function isInstalled(adapter: string): boolean {
  try {
    return findPackageJSON(adapter, import.meta.url) !== undefined;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND") return false;
    throw error;
  }
}

/** Real paths, so that no symlink leads where the text does not. */
async function fileInFolder(folder: string, adapter: string): Promise<string | messages.HandlerWords> {
  const root = await realpath(folder);
  const wanted = join(root, adapter);
  if (!isInside(root, wanted)) return messages.moduleOutsideFolder(adapter);
  for (const candidate of [wanted, ...INDEX_FILES.map((file) => join(wanted, file))]) {
    const file = await existingFile(candidate);
    if (file !== undefined) return isInside(root, file) ? file : messages.moduleOutsideFolder(adapter);
  }
  return messages.noSuchModule(adapter);
}

function isInside(root: string, file: string): boolean {
  const way = relative(root, file);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`);
}

/** @returns the real path of a regular file, undefined when there is none. */
async function existingFile(path: string): Promise<string | undefined> {
  try {
    const file = await realpath(path);
    return (await stat(file)).isFile() ? file : undefined;
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      return undefined;
    throw error;
  }
}
