import { type CelType, type SimpleKind, splitTypes } from "../attribute/type.ts";

/** Deeper types than this are nobody's: reading one must not take a deep stack. */
const MAX_TYPE_DEPTH = 250;

/**
 * @returns a type as people and other tools write it (`map(string,int)`, `list(list(int))`, `optional(dyn)`, and what `formatType` writes),
 * undefined for what is none.
 */
export function readType(text: string): CelType | undefined {
  return within(text.trim(), 0);
}

function within(text: string, depth: number): CelType | undefined {
  const simple = SIMPLE.get(text);
  if (simple !== undefined) return { kind: simple };
  if (text === "type") return { kind: "type", of: { kind: "dyn" } };
  const open = text.indexOf("(");
  if (open < 0 || !text.endsWith(")") || depth >= MAX_TYPE_DEPTH) return undefined;
  const parts = splitTypes(text.slice(open + 1, -1)).map((part) => within(part, depth + 1));
  return composed(text.slice(0, open).trim(), parts);
}

function composed(head: string, [first, second, ...rest]: readonly (CelType | undefined)[]): CelType | undefined {
  if (first === undefined || rest.length > 0) return undefined;
  if (head === "map") return second && { kind: "map", key: first, value: second };
  if (second !== undefined) return undefined;
  switch (head) {
    case "list":
      return { kind: "list", element: first };
    case "optional":
    case "optional_type":
      return { kind: "optional", value: first };
    case "type":
      return { kind: "type", of: first };
    default:
      return undefined;
  }
}

const SIMPLE_KINDS = [
  ...(["bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration", "null", "dyn"] as const),
  ...(["ip", "cidr"] as const),
] as const satisfies readonly SimpleKind[];

const SIMPLE: ReadonlyMap<string, SimpleKind> = new Map<string, SimpleKind>([
  ...SIMPLE_KINDS.map((kind) => [kind, kind] as const),
  ["net.IP", "ip"],
  ["net.CIDR", "cidr"],
  ["null_type", "null"],
  ["google.protobuf.Timestamp", "timestamp"],
  ["google.protobuf.Duration", "duration"],
]);

/** For messages: how types are written. */
export const TYPE_FORMS = `${SIMPLE_KINDS.join(", ")}, type, list(T), map(K, V), optional(T)`;
