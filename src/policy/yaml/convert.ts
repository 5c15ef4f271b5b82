import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import type { Diagnostic, Span } from "../../diagnostics/diagnostic.ts";
import {
  duplicateKey,
  inlineMap,
  keyNotScalar,
  keyNotText,
  mergeKey,
  nestedAlias,
  nestedTooDeep,
  tooManyAliases,
  unknownAlias,
} from "../../diagnostics/messages/document.ts";
import { lineValueAt, quotedLine } from "./line-value.ts";
import type { Masks } from "./masks.ts";
import type { YamlEntry, YamlKey, YamlNode, YamlScalar } from "./node.ts";
import { noSource, sourceText } from "./source-text.ts";
import { MAX_DEPTH, tagProblem } from "./syntax.ts";

/** Anchors and aliases of one file together. A folder of policies is read by people; sharing has `define:`. */
export const MAX_ALIASES = 20;

export interface Conversion {
  readonly root: YamlNode | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * @returns the document as our own nodes, without what YAML has and policies have not: tags, merge keys, keys that are not text, more
 * than a few aliases. `broken` are the places about which something was said already.
 */
export function convertDocument(file: string, text: string, document: Document, broken: Masks): Conversion {
  const converter = new Converter(file, text, broken);
  const root = document.contents === null ? undefined : converter.node(document.contents, 0);
  return { root, diagnostics: converter.diagnostics };
}

/** One walk over one document; it remembers the anchors it passed. */
class Converter {
  readonly diagnostics: Diagnostic[] = [];
  readonly #file: string;
  readonly #text: string;
  readonly #broken: Masks;
  readonly #anchors = new Map<string, YamlNode>();
  #aliases = 0;
  #insideAnchored = 0;

  constructor(file: string, text: string, broken: Masks) {
    this.#file = file;
    this.#text = text;
    this.#broken = broken;
  }

  node(node: Node, depth: number): YamlNode {
    const span = this.#span(node);
    if (depth > MAX_DEPTH) return this.#refuse(nestedTooDeep({ ...span, end: span.start + 1 }, MAX_DEPTH), span);
    if (isAlias(node)) return this.#alias(node.source, span);
    const { tag, anchor } = node as { tag?: string; anchor?: string }; // every node but an alias has both
    if (tag !== undefined)
      return this.#refuse(tagProblem(this.#file, this.#text, this.#tagRange(span.start)).diagnostic, span);
    if (anchor === undefined) return this.#content(node, span, depth);
    if (++this.#aliases === MAX_ALIASES + 1) this.#say(tooManyAliases(span, MAX_ALIASES));
    this.#insideAnchored++;
    const converted = this.#content(node, span, depth);
    this.#insideAnchored--;
    this.#anchors.set(anchor, converted);
    return converted;
  }

  #content(node: Node, span: Span, depth: number): YamlNode {
    if (isMap(node)) return this.#map(node, span, depth);
    if (isSeq(node)) return this.#list(node, span, depth);
    if (isScalar(node)) return this.#scalar(node, span);
    throw new Error(`a YAML node of ${this.#file} is neither scalar, map, list nor alias`);
  }

  #list(list: YAMLSeq, span: Span, depth: number): YamlNode {
    const items = list.items.map((item) => {
      // `[a: b]` is a list holding a pair; as a node it is a map of one key.
      // Keys and values of a parsed pair are nodes.
      if (isPair(item))
        return { kind: "map", span, entries: this.#entry(item as Pair<Node, Node | null>, depth) } as const;
      return this.node(item as Node, depth + 1); // parsed documents hold nodes only
    });
    return { kind: "list", span, items };
  }

  #map(map: YAMLMap, span: Span, depth: number): YamlNode {
    // Parsed documents hold nodes only; a pair without a value has null.
    const pairs = map.items as Pair<Node, Node | null>[];
    const bare = map.flow === true ? pairs.find((pair) => pair.value === null) : undefined;
    // `{ x: f(a, b) }` is read as the keys `x` and `b)`.
    if (bare !== undefined) return this.#refuse(inlineMap(this.#span(bare.key)), span);
    const seen = new Set<string>();
    const entries: YamlEntry[] = [];
    for (const pair of pairs) {
      for (const entry of this.#entry(pair, depth)) {
        if (seen.has(entry.key.name)) this.#say(duplicateKey(entry.key.span, entry.key.name));
        else entries.push(entry);
        seen.add(entry.key.name);
      }
    }
    return { kind: "map", span, entries };
  }

  #entry(pair: Pair<Node, Node | null>, depth: number): readonly YamlEntry[] {
    const key = this.#key(pair.key);
    if (key === undefined) return [];
    const value = pair.value === null ? this.#nothing(key.span) : this.node(pair.value, depth + 1);
    return [{ key, value }];
  }

  #key(key: Node): YamlKey | undefined {
    const span = this.#span(key);
    if (!isScalar(key)) {
      this.#say(keyNotScalar(span));
      return undefined;
    }
    if (key.source === "<<" && key.type === "PLAIN") this.#say(mergeKey(span));
    else if (typeof key.value !== "string") this.#say(keyNotText(span, key.source ?? ""));
    else return { name: key.value, span };
    return undefined;
  }

  #alias(name: string, span: Span): YamlNode {
    if (++this.#aliases === MAX_ALIASES + 1) this.#say(tooManyAliases(span, MAX_ALIASES));
    if (this.#insideAnchored > 0) return this.#refuse(nestedAlias(span, name), span);
    const target = this.#anchors.get(name);
    if (target !== undefined) return this.#aliases > MAX_ALIASES ? this.#brokenScalar(span) : target;
    const value = lineValueAt(this.#text, span.start);
    const quoted = value?.start === span.start ? quotedLine(value) : undefined;
    return this.#refuse(unknownAlias(span, name, quoted), span);
  }

  #scalar(scalar: Scalar, span: Span): YamlScalar {
    const style = STYLES[scalar.type ?? "PLAIN"] ?? "plain";
    const token = scalar.srcToken;
    const text = scalar.source ?? "";
    const { body, bodyStart } = this.#body(scalar, span);
    const comment = token !== undefined && "end" in token ? commentOf(token.end) : undefined;
    return {
      kind: "scalar",
      span,
      value: scalarValue(scalar.value),
      source: sourceText({ file: this.#file, text, style, span, body, bodyStart }),
      style,
      ...(style === "plain" && comment !== undefined ? { comment: this.#comment(comment) } : {}),
      broken: this.#broken.touches(span.start, span.end),
    };
  }

  #comment(at: number) {
    const value = lineValueAt(this.#text, at);
    return { at, quoted: value === undefined ? undefined : quotedLine(value) };
  }

  /** The characters between the quotes or after the line of the block indicator. */
  #body(scalar: Scalar, span: Span): { body: string; bodyStart: number } {
    const token = scalar.srcToken;
    if (token?.type === "block-scalar") {
      const newline = token.props.find((prop) => prop.type === "newline");
      const bodyStart =
        newline !== undefined && "source" in newline ? newline.offset + newline.source.length : span.end;
      return { body: token.source, bodyStart };
    }
    const quotes = token?.type === "double-quoted-scalar" || token?.type === "single-quoted-scalar" ? 1 : 0;
    const bodyStart = span.start + quotes;
    return { body: this.#text.slice(bodyStart, span.end - quotes), bodyStart };
  }

  #nothing(span: Span): YamlScalar {
    return { kind: "scalar", span, value: null, source: noSource(span), style: "plain", broken: false };
  }

  #brokenScalar(span: Span): YamlScalar {
    return { ...this.#nothing(span), broken: true };
  }

  #refuse(diagnostic: Diagnostic, span: Span): YamlNode {
    this.#say(diagnostic);
    return this.#brokenScalar(span);
  }

  #say(diagnostic: Diagnostic): void {
    this.diagnostics.push(diagnostic);
  }

  #span(node: Node): Span {
    const [start, end] = node.range ?? [0, 0];
    return { file: this.#file, start, end };
  }

  /** A node's range begins after its properties; the tag stands before it. */
  #tagRange(before: number): readonly [number, number] {
    const match = /![^\s]*\s*(&\S+\s*)?$/.exec(this.#text.slice(0, before));
    if (match === null) return [before, before + 1];
    return [match.index, match.index + (/^\S+/.exec(match[0])?.[0].length ?? 1)];
  }
}

const STYLES: Readonly<Record<string, YamlScalar["style"]>> = {
  PLAIN: "plain",
  QUOTE_SINGLE: "single-quoted",
  QUOTE_DOUBLE: "double-quoted",
  BLOCK_LITERAL: "literal",
  BLOCK_FOLDED: "folded",
};

function commentOf(end: readonly { type: string; offset: number }[] | undefined): number | undefined {
  for (const token of end ?? []) {
    if (token.type === "newline") return undefined;
    if (token.type === "comment") return token.offset;
  }
  return undefined;
}

/** The core schema resolves to nothing else. */
function scalarValue(value: unknown): YamlScalar["value"] {
  if (value === null || value === undefined) return null;
  switch (typeof value) {
    case "boolean":
    case "bigint":
    case "number":
    case "string":
      return value;
    default:
      throw new Error(`YAML resolved a scalar to ${typeof value}`);
  }
}
