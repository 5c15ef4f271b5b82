import type { Typed } from "../../src/cli/typed-values.ts";

/** Values as the oracle data writes them, which is how `weir eval --batch` does. test/data/cel-go/README.md lists the forms. */
export { readTyped, type Typed, writeTyped } from "../../src/cli/typed-values.ts";

/** @returns a text that is the same for equal values. `bags`: lists follow the order of a map, which is nobody's business. */
export function canonical(value: Typed, bags = false): string {
  const [[kind = "", inner] = []] = Object.entries(value);
  if (kind === "list" && Array.isArray(inner)) {
    const items = inner.map((item: Typed) => canonical(item, bags));
    return `list[${(bags ? items.sort() : items).join()}]`;
  }
  if (kind === "map" && Array.isArray(inner)) {
    const entries = inner.map(([key, item]: [Typed, Typed]) => `${canonical(key, bags)}=${canonical(item, bags)}`);
    return `map{${entries.sort().join()}}`;
  }
  if (kind === "double") return `double ${Object.is(Number(inner), -0) ? "-0" : Number(inner)}`;
  // An optional's inside is null or a value of this form.
  if (kind === "optional") return `optional ${inner === null ? "none" : canonical(inner as Typed, bags)}`;
  return JSON.stringify(value);
}
