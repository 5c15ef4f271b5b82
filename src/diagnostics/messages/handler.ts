import type { Diagnostic } from "../diagnostic.ts";

/** P14xx: handlers — the module of an adapter, its config, its opening. Where in the file is known only to the folder's reader. */
export type HandlerWords = Pick<Diagnostic, "code" | "message" | "help">;

function say(code: string, message: string, help: string): HandlerWords {
  return { code, message, help };
}

const names = (list: readonly string[]) => list.map((name) => `\`${name}\``).join(", ");

/** P1401: neither a first-party adapter nor an installed package. */
export function unknownAdapter(
  adapter: string,
  suggestion: string | undefined,
  firstParty: readonly string[],
): HandlerWords {
  const install = `there are ${names(firstParty)}; another one is an npm package, installed beside Weir, or a \`./path\` in the policy folder`;
  return say(
    "P1401",
    `unknown adapter \`${adapter}\``,
    suggestion === undefined ? install : `did you mean \`${suggestion}\`?`,
  );
}

/** P1402: text that can name no adapter. */
export function notAnAdapterName(adapter: string): HandlerWords {
  const help = "write the name of a first-party adapter, of an npm package, or a `./path` in the policy folder";
  return say("P1402", `\`${adapter}\` cannot be the name of an adapter`, help);
}

/** P1403: a path that leads to nothing. */
export function noSuchModule(adapter: string): HandlerWords {
  const help =
    "the path is relative to the policy folder; name a module, or a folder with an `index.js`, `index.mjs` or `index.ts`";
  return say("P1403", `no module at \`${adapter}\``, help);
}

/** P1404: a path that leads out of the policy folder. */
export function moduleOutsideFolder(adapter: string): HandlerWords {
  const help = "keep the module in the policy folder, or install it as an npm package and write its name";
  return say("P1404", `\`${adapter}\` leaves the policy folder`, help);
}

/** P1405: the module was found and could not be run. */
export function moduleFailed(adapter: string, why: string): HandlerWords {
  return say(
    "P1405",
    `adapter \`${adapter}\` could not be loaded: ${why}`,
    "this is a fault of the adapter or of its installation",
  );
}

/** P1406: the module is something else. */
export function notAnAdapter(adapter: string): HandlerWords {
  const help = "its default export has to come from `defineAdapter` of `weir-mesh/adapter`";
  return say("P1406", `\`${adapter}\` is not an adapter`, help);
}

/** P1407: written for another contract. */
export function wrongApiVersion(adapter: string, version: unknown, accepted: readonly number[]): HandlerWords {
  const newest = accepted.at(-1) ?? 0;
  const newer = typeof version === "number" && version > newest;
  const help = newer ? "update Weir, or take an older version of the adapter" : "take a newer version of the adapter";
  const ours = accepted.map(String).join(" and ");
  return say(
    "P1407",
    `adapter \`${adapter}\` is written for version ${String(version)} of the adapter API, this Weir knows ${ours}`,
    help,
  );
}

/** Rules that want a template, by the key that people write. */
const RULE_OF: Readonly<Record<string, string>> = { listentry: "ask", quota: "limit" };

/** P1408: policies want of a handler what its adapter cannot do. */
export function templateMissing(adapter: string, wanted: string, has: readonly string[]): HandlerWords {
  const rule = (template: string) => RULE_OF[template] ?? template;
  const help = `it is for ${names(has.map(rule))}: name another handler here`;
  return say("P1408", `adapter \`${adapter}\` is not for \`${rule(wanted)}\` rules`, help);
}

/** P1410: the adapter's schema objects to a value. */
export function configRefused(adapter: string, path: string, why: string): HandlerWords {
  const where = path === "" ? "config" : `\`${path}\``;
  return say("P1410", `${where}: ${why}`, seeAdapters(adapter));
}

/** P1411: the adapter's schema knows no such key. */
export function configUnknownKey(adapter: string, key: string, suggestion: string | undefined): HandlerWords {
  const help = suggestion === undefined ? seeAdapters(adapter) : `did you mean \`${suggestion}\`?`;
  return say("P1411", `adapter \`${adapter}\` has no setting \`${key}\``, help);
}

/** P1412: a setting that the adapter cannot do without. */
export function configMissingKey(adapter: string, key: string): HandlerWords {
  return say("P1412", `adapter \`${adapter}\` needs \`${key}\` in its \`config\``, seeAdapters(adapter));
}

/** P1413: the schema itself failed. */
export function configNotJudged(adapter: string, why: string): HandlerWords {
  return say("P1413", `the config could not be checked: ${why}`, `this is a fault of adapter \`${adapter}\``);
}

/** P1420: the handler would not open. */
export function openFailed(adapter: string, why: string): HandlerWords {
  return say(
    "P1420",
    `adapter \`${adapter}\` could not open: ${why}`,
    "the policies before go on serving until it can",
  );
}

/** P1421: what `open` returned cannot do what the adapter says it does. */
export function methodMissing(adapter: string, method: string): HandlerWords {
  return say(
    "P1421",
    `adapter \`${adapter}\` opened without the method \`${method}\``,
    "this is a fault of the adapter",
  );
}

function seeAdapters(adapter: string): string {
  return `\`weir adapters\` shows what \`${adapter}\` takes`;
}
