/** The type of an attribute or of an expression, as CEL names it. Plain data. */
export type CelType =
  | { readonly kind: SimpleKind }
  | { readonly kind: "list"; readonly element: CelType }
  | { readonly kind: "map"; readonly key: CelType; readonly value: CelType }
  | { readonly kind: "optional"; readonly value: CelType }
  /** The type of a type as a value: `type(1)` is a `type(int)`. */
  | { readonly kind: "type"; readonly of: CelType };

export type SimpleKind =
  | "bool"
  | "int"
  | "uint"
  | "double"
  | "string"
  | "bytes"
  | "timestamp"
  | "duration"
  | "null"
  | "ip"
  | "cidr"
  | "dyn";

/** The ways to write a type in `attributes.yaml`, in the order in which messages list them. */
export const ATTRIBUTE_TYPES = [
  "string",
  "int",
  "uint",
  "double",
  "bool",
  "bytes",
  "timestamp",
  "duration",
  "map(string, string)",
  "map(string, dyn)",
  "list(string)",
  "dyn",
] as const;

export type AttributeType = (typeof ATTRIBUTE_TYPES)[number];

/** @returns the structured form of a type written as in `attributes.yaml`. */
export function parseType(text: AttributeType): CelType {
  switch (text) {
    case "map(string, string)":
      return { kind: "map", key: { kind: "string" }, value: { kind: "string" } };
    case "map(string, dyn)":
      return { kind: "map", key: { kind: "string" }, value: { kind: "dyn" } };
    case "list(string)":
      return { kind: "list", element: { kind: "string" } };
    default:
      return { kind: text };
  }
}

/** @returns the type as people write it, and as CEL's own tools do: `map(string, int)`, `optional_type(string)`. */
export function formatType(type: CelType): string {
  switch (type.kind) {
    case "list":
      return `list(${formatType(type.element)})`;
    case "map":
      return `map(${formatType(type.key)}, ${formatType(type.value)})`;
    case "optional":
      return `optional_type(${formatType(type.value)})`;
    case "type":
      return `type(${formatType(type.of)})`;
    case "ip":
      return "net.IP";
    case "cidr":
      return "net.CIDR";
    default:
      return type.kind;
  }
}

/** @returns the types of a list of types, as they are written: parted by commas that are not inside of parentheses. */
export function splitTypes(text: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "(") depth++;
    else if (text[at] === ")") depth--;
    else if (text[at] === "," && depth === 0) {
      parts.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  return [...parts, text.slice(start).trim()];
}
