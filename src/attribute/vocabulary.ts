import { CHECK_ROWS } from "./vocabulary-check.ts";
import { CONNECTION_ROWS } from "./vocabulary-connection.ts";
import { PEER_ROWS } from "./vocabulary-peers.ts";
import { REQUEST_ROWS } from "./vocabulary-request.ts";
import { RESPONSE_ROWS } from "./vocabulary-response.ts";
import type { AttributeRow, VocabularyDoor } from "./vocabulary-row.ts";

export type { AttributeRow, Supply, Trust, VocabularyDoor } from "./vocabulary-row.ts";

/**
 * Every attribute Weir knows without being told, one row each. To add one: a row in the table it belongs to, and its reader in each door
 * that supplies it; the checker, the suggestions and docs/attributes.md follow from the row.
 */
export const VOCABULARY: readonly AttributeRow[] = [
  ...REQUEST_ROWS,
  ...RESPONSE_ROWS,
  ...PEER_ROWS,
  ...CONNECTION_ROWS,
  ...CHECK_ROWS,
];

const BY_NAME: ReadonlyMap<string, AttributeRow> = new Map(VOCABULARY.map((row) => [row.name, row]));

/** @returns the row of an attribute, undefined when the vocabulary has none of this name. */
export function lookup(name: string): AttributeRow | undefined {
  return BY_NAME.get(name);
}

/** @returns the names of the attributes that a door always or sometimes supplies, in the order of the tables. */
export function suppliedBy(door: VocabularyDoor): readonly string[] {
  return VOCABULARY.filter((row) => row.doors[door].supply !== "never").map((row) => row.name);
}

/**
 * An attribute is never a prefix of another: `a.b` beside `a` would make `a.b` mean two things.
 * @returns the name among `others` that `name` cannot stand beside, undefined when it can.
 */
export function prefixConflict(name: string, others: Iterable<string>): string | undefined {
  for (const other of others) {
    if (other.startsWith(`${name}.`) || name.startsWith(`${other}.`)) return other;
  }
  return undefined;
}
