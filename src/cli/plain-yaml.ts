import { hasErrors } from "../diagnostics/diagnostic.ts";
import { renderText } from "../diagnostics/render-text.ts";
import type { YamlNode } from "../policy/yaml/node.ts";
import { parseYaml } from "../policy/yaml/parse.ts";
import { BadInput } from "./bad-input.ts";

/** YAML, or JSON which is YAML too, as data. Whole numbers are bigint; objects have no prototype. */
export type PlainValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly PlainValue[]
  | { readonly [key: string]: PlainValue };

/** @throws BadInput with places and carets when the text is no YAML, or empty. */
export function parsePlain(file: string, text: string): PlainValue {
  const { root, diagnostics } = parseYaml(file, text);
  if (hasErrors(diagnostics)) throw new BadInput(`\n${renderText(diagnostics, new Map([[file, text]]))}`.trimEnd());
  if (root === undefined) throw new BadInput(`${file} is empty`);
  return plain(root);
}

function plain(node: YamlNode): PlainValue {
  switch (node.kind) {
    case "scalar":
      return node.value;
    case "list":
      return node.items.map(plain);
    case "map": {
      const members: Record<string, PlainValue> = Object.create(null);
      for (const { key, value } of node.entries) members[key.name] = plain(value);
      return members;
    }
  }
}

/** `readonly` arrays are not narrowed by Array.isArray. */
export function isList(value: PlainValue | undefined): value is readonly PlainValue[] {
  return Array.isArray(value);
}

export function isMap(value: PlainValue | undefined): value is { readonly [key: string]: PlainValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
