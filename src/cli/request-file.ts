import { type Attributes, addArgument, addPlain, type Naming } from "./attribute-values.ts";
import { BadInput } from "./bad-input.ts";
import type { CommandIo } from "./command-io.ts";
import { readInput } from "./input.ts";
import { isMap, type PlainValue, parsePlain } from "./plain-yaml.ts";

/** Keys beside the attributes. */
export interface RequestFile {
  readonly file: string;
  readonly keys: ReadonlyMap<string, PlainValue>;
}

/** @param file `-` is standard input. @throws BadInput where it cannot be read or is no map. */
export async function readRequestFile(file: string, io: CommandIo): Promise<RequestFile> {
  const root = parsePlain(file, await readInput(file, io));
  if (!isMap(root)) throw new BadInput(`${file}: write a map with the key \`attributes:\``);
  return { file, keys: new Map(Object.entries(root)) };
}

/** What a request of `weir check` has beside its attributes, and other commands pass over in its file. */
export const CHECK_KEYS = ["attributes", "quotas", "quota_only", "deduplication_id"] as const;

/** @throws BadInput for a key that is none of these, since it would be passed over without a word. */
export function onlyKeys({ file, keys }: RequestFile, known: readonly string[]): void {
  for (const key of keys.keys()) {
    if (!known.includes(key)) throw new BadInput(`${file}: unknown key \`${key}\`; there are ${known.join(", ")}`);
  }
}

/** @returns attributes out of a map of names, and the `-a` arguments on top of them. */
export function attributesFrom(
  named: PlainValue | undefined,
  args: readonly string[],
  where: string,
  naming?: Naming,
): Attributes {
  const attributes: Attributes = new Map();
  if (named !== undefined) {
    if (!isMap(named)) throw new BadInput(`${where}: attributes are a map from names to values`);
    for (const [name, value] of Object.entries(named)) addPlain(attributes, name, value, naming);
  }
  for (const argument of args) addArgument(attributes, argument, naming);
  return attributes;
}

export function textKey({ file, keys }: RequestFile, key: string): string {
  const value = keys.get(key) ?? "";
  if (typeof value !== "string") throw new BadInput(`${file}: \`${key}\` is text`);
  return value;
}

export function boolKey({ file, keys }: RequestFile, key: string): boolean {
  const value = keys.get(key) ?? false;
  if (typeof value !== "boolean") throw new BadInput(`${file}: \`${key}\` is true or false`);
  return value;
}
