import { type CelType, type SimpleKind, splitTypes } from "../../attribute/type.ts";

/** A type as an overload has it: CEL's types, and parameters, which stand for any type, the same one each time. */
export type SignatureType =
  | { readonly kind: SimpleKind }
  | { readonly kind: "list"; readonly element: SignatureType }
  | { readonly kind: "map"; readonly key: SignatureType; readonly value: SignatureType }
  | { readonly kind: "optional"; readonly value: SignatureType }
  | { readonly kind: "type"; readonly of: SignatureType }
  | { readonly kind: "parameter"; readonly name: string };

/** One overload of a function, taken apart. */
export interface Overload {
  /** Called on its first argument: `text.startsWith(prefix)`. */
  readonly isMember: boolean;
  /** The receiver first. */
  readonly parameters: readonly SignatureType[];
  readonly returns: SignatureType;
  /** The same types where none of them is a parameter. */
  readonly concrete?: { readonly parameters: readonly CelType[]; readonly returns: CelType };
}

/**
 * Takes a signature apart: `string.startsWith(string): bool`, `optional.of(V): optional(V)`, `int + int: int`, `-int: int`,
 * `V in list(V): bool`. Throws for one that cannot be read: that is a mistake of the table.
 */
export function parseSignature(name: string, text: string): Overload {
  const overload = takenApart(name, text);
  const { parameters, returns } = overload;
  return parameters.every(isConcrete) && isConcrete(returns)
    ? { ...overload, concrete: { parameters, returns } }
    : overload;
}

function isConcrete(type: SignatureType): type is CelType {
  switch (type.kind) {
    case "parameter":
      return false;
    case "list":
      return isConcrete(type.element);
    case "map":
      return isConcrete(type.key) && isConcrete(type.value);
    case "optional":
      return isConcrete(type.value);
    case "type":
      return isConcrete(type.of);
    default:
      return true;
  }
}

function takenApart(name: string, text: string): Overload {
  const colon = text.lastIndexOf("): ") >= 0 ? text.lastIndexOf("): ") + 1 : text.lastIndexOf(": ");
  const returns = parseSignatureType(text.slice(colon + 2));
  const call = text.slice(0, colon);
  const open = call.lastIndexOf(`${name}(`);
  if (open >= 0 && call.endsWith(")")) {
    const receiver = call.slice(0, Math.max(0, open - 1));
    const inside = call.slice(open + name.length + 1, -1);
    const parameters = (inside === "" ? [] : splitTypes(inside)).map(parseSignatureType);
    return receiver === ""
      ? { isMember: false, parameters, returns }
      : { isMember: true, parameters: [parseSignatureType(receiver), ...parameters], returns };
  }
  if (/^[-!]/.test(call)) return { isMember: false, parameters: [parseSignatureType(call.slice(1))], returns };
  const operator = name.replaceAll("_", "");
  const operands = call.split(` ${operator} `).map(parseSignatureType);
  if (operands.length !== 2) throw new Error(`signature of ${name} cannot be read: ${text}`);
  return { isMember: false, parameters: operands, returns };
}

function parseSignatureType(text: string): SignatureType {
  if (/^[A-Z]$/.test(text)) return { kind: "parameter", name: text };
  const open = text.indexOf("(");
  if (open < 0) {
    const kind = SIMPLE.get(text);
    if (kind === undefined) throw new Error(`a signature has the unknown type ${text}`);
    return kind === "type" ? { kind, of: { kind: "dyn" } } : { kind };
  }
  const [first, second] = splitTypes(text.slice(open + 1, -1)).map(parseSignatureType);
  const head = text.slice(0, open);
  if (head === "list" && first) return { kind: "list", element: first };
  if (head === "map" && first && second) return { kind: "map", key: first, value: second };
  if (head === "optional" && first) return { kind: "optional", value: first };
  if (head === "type" && first) return { kind: "type", of: first };
  throw new Error(`a signature has the unknown type ${text}`);
}

const SIMPLE: ReadonlyMap<string, SimpleKind | "type"> = new Map(
  (
    [
      ...(["bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration", "null"] as const),
      ...(["ip", "cidr", "dyn", "type"] as const),
    ] as const
  ).map((kind) => [kind, kind] as const),
);
