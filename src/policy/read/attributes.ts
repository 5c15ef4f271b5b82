import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import type { AuthoredAttribute, AuthoredDerivation } from "../authored.ts";
import { FILES } from "../schema/files.ts";
import { type ReadRule, readRule } from "../schema/rule.ts";
import { validate } from "../schema/validate.ts";
import type { YamlMap } from "../yaml/node.ts";

export interface ReadAttributes {
  readonly attributes: readonly AuthoredAttribute[];
  readonly derivations: readonly AuthoredDerivation[];
  readonly diagnostics: readonly Diagnostic[];
  /** Whether every attribute that is written has its name here. */
  readonly complete: boolean;
}

/** @returns what `attributes.yaml` declares and derives. */
export function readAttributes(map: YamlMap, file: string): ReadAttributes {
  const { value, diagnostics, complete } = validate(FILES.attributes, map, { owner: { file, start: 0, end: 0 } });
  const rules = (value.attributes ?? []).map((node) => readRule("attributes", node));
  const attributes = rules.flatMap(({ rule }) => (rule === undefined ? [] : [attributeOf(rule)]));
  const named = attributes.length === rules.length && attributes.every(({ name }) => name.value !== "");
  return {
    attributes,
    complete: complete && named,
    derivations: value.derive ?? [],
    diagnostics: [...diagnostics, ...rules.flatMap((rule) => rule.diagnostics)],
  };
}

function attributeOf({ rule }: ReadRule<"attributes">): AuthoredAttribute {
  const name = rule.attribute;
  return {
    name,
    type: rule.type.value,
    description: rule.description ?? "",
    // Only the native API can bring along what Weir's vocabulary lacks.
    doors: rule.doors ?? [{ value: "weir", span: name.span }],
  };
}
