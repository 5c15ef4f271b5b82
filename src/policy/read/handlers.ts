import type { Diagnostic, Span } from "../../diagnostics/diagnostic.ts";
import type { AuthoredHandler, Constant } from "../authored.ts";
import { constantOf } from "../schema/collections.ts";
import { FILES } from "../schema/files.ts";
import { type ReadRule, readRule } from "../schema/rule.ts";
import { validate } from "../schema/validate.ts";
import { entryOf, type YamlEntry, type YamlMap, type YamlNode } from "../yaml/node.ts";

/** Records that may wait for one handler, unless its `queue:` says otherwise. */
const DEFAULT_QUEUE_RECORDS = 10_000;

export interface ReadHandlers {
  readonly handlers: readonly AuthoredHandler[];
  readonly diagnostics: readonly Diagnostic[];
  /** Whether every handler that is written has its name here. */
  readonly complete: boolean;
}

/** @returns the handlers of `handlers.yaml`; those without a name are left out. */
export function readHandlers(map: YamlMap, file: string): ReadHandlers {
  const { value, diagnostics, complete } = validate(FILES.handlers, map, { owner: { file, start: 0, end: 0 } });
  const rules = (value.handlers ?? []).map((node) => ({ node, ...readRule("handlers", node) }));
  const handlers = rules.flatMap(({ node, rule }) => (rule === undefined ? [] : [handlerOf(rule, node)]));
  const named = handlers.length === rules.length && handlers.every(({ name }) => name.value !== "");
  const all = [...diagnostics, ...rules.flatMap((rule) => rule.diagnostics)];
  return { handlers, complete: complete && named, diagnostics: all };
}

function handlerOf({ rule, incomplete }: ReadRule<"handlers">, node: YamlNode): AuthoredHandler {
  const { config, queue } = rule;
  const written = node.kind === "map" ? entryOf(node, "config") : undefined;
  return {
    ...(incomplete === undefined ? {} : { incomplete }),
    name: rule.handler,
    adapter: rule.adapter,
    config: config === undefined ? Object.create(null) : plainOf(constantOf(config)),
    locateConfig: (path, part = "value") => locate(written, path, part) ?? rule.handler.span,
    queue: {
      records: Number(queue?.records?.value ?? DEFAULT_QUEUE_RECORDS),
      onFull: queue?.["on-full"]?.value ?? "drop-oldest",
    },
  };
}

/** Adapters get numbers; only what a number cannot hold stays a bigint. */
function plainOf(value: Constant): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(plainOf);
  const record: Record<string, unknown> = Object.create(null);
  for (const [key, entry] of Object.entries(value)) record[key] = plainOf(entry);
  return record;
}

/** The place of a path inside `config`; where the path ends early (a missing key), the key of the deepest map it reached. */
function locate(config: YamlEntry | undefined, path: readonly PropertyKey[], part: "key" | "value"): Span | undefined {
  let key = config?.key.span;
  let node = config?.value;
  let found = key;
  for (const step of path) {
    if (node?.kind === "map") {
      const entry = entryOf(node, String(step));
      if (entry === undefined) return key;
      key = entry.key.span;
      node = entry.value;
      found = part === "key" ? key : node.span;
    } else if (node?.kind === "list" && node.items[Number(String(step))] !== undefined) {
      node = node.items[Number(String(step))];
      found = node?.span;
    } else {
      return found;
    }
  }
  return found;
}
