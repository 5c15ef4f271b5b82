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
}

/** @returns what `attributes.yaml` declares and derives. */
export function readAttributes(map: YamlMap, file: string): ReadAttributes {
  const { value, diagnostics } = validate(FILES.attributes, map, { owner: { file, start: 0, end: 0 } });
  const rules = (value.attributes ?? []).map((node) => readRule("attributes", node));
  return {
    attributes: rules.flatMap(({ rule }) => (rule === undefined ? [] : [attributeOf(rule)])),
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
