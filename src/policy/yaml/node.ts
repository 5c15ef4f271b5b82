import type { Span } from "../../diagnostics/diagnostic.ts";
import type { SourceText } from "../authored.ts";

/** A YAML document as we use it: maps keep the order and place of their keys, scalars keep their source text beside their value. */
export type YamlNode = YamlScalar | YamlMap | YamlList;

export interface YamlScalar {
  readonly kind: "scalar";
  /** The whole scalar, quotes and block indicator included. */
  readonly span: Span;
  /** What YAML resolves it to; integers are bigint. */
  readonly value: null | boolean | bigint | number | string;
  /** The text as a person sees it: unquoted, unfolded, but `1.0` and not `1`. */
  readonly source: SourceText;
  readonly style: "plain" | "single-quoted" | "double-quoted" | "literal" | "folded";
  /** Of a plain scalar that a comment follows on its line: the comment's `#`, and the line as it would be with everything in quotes. */
  readonly comment?: { readonly at: number; readonly quoted: string | undefined };
  /** Something was said about it already; nobody has to say more. */
  readonly broken: boolean;
}

export interface YamlMap {
  readonly kind: "map";
  readonly span: Span;
  readonly entries: readonly YamlEntry[];
}

export interface YamlEntry {
  readonly key: YamlKey;
  readonly value: YamlNode;
}

export interface YamlKey {
  readonly name: string;
  readonly span: Span;
}

interface YamlList {
  readonly kind: "list";
  readonly span: Span;
  readonly items: readonly YamlNode[];
}

/** @returns the entry of a key, undefined when the map lacks it. */
export function entryOf(map: YamlMap, name: string): YamlEntry | undefined {
  return map.entries.find((entry) => entry.key.name === name);
}
