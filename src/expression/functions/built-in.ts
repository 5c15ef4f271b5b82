import { parseSignature } from "./signature.ts";

/** Operators that are part of the tree and no rows of a table: how they type-check. */

export const NOT = [parseSignature("not", "not(bool): bool")];

export const CONDITIONAL = [parseSignature("choose", "choose(bool, T, T): T")];

/** `a[b]`. */
export const INDEX = [
  "at(list(V), int): V",
  "at(map(K, V), K): V",
  "at(optional(list(V)), int): optional(V)",
  "at(optional(map(K, V)), K): optional(V)",
].map((signature) => parseSignature("at", signature));

/** `a[?b]`. */
export const OPTIONAL_INDEX = [
  "at(list(V), int): optional(V)",
  "at(optional(list(V)), int): optional(V)",
  "at(map(K, V), K): optional(V)",
  "at(optional(map(K, V)), K): optional(V)",
].map((signature) => parseSignature("at", signature));
