/** Headers as they came over the wire: in order, duplicates apart, one character per byte. */
export type HeaderPairs = readonly (readonly [name: string, value: string])[];

/** @param raw names and values in turn, as Node hands them out. */
export function pairs(raw: readonly string[]): HeaderPairs {
  return raw.flatMap((name, at) => (at % 2 === 0 ? [[name, raw[at + 1] ?? ""] as const] : []));
}

/** @returns the values of a header, in order; its name in any case. */
export function valuesOf(headers: HeaderPairs, name: string): string[] {
  return headers.filter(([own]) => own.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
}
