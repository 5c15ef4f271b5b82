import { readFile } from "node:fs/promises";
import { type Attributes, addArgument, addPlain } from "./attribute-values.ts";
import { BadInput } from "./bad-input.ts";
import type { CommandIo } from "./command-io.ts";
import { type PlainValue, parsePlain } from "./plain-yaml.ts";

/** A file that describes requests is for people: nobody writes more by hand. In bytes. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** Keys beside the attributes. */
export interface RequestFile {
  readonly file: string;
  readonly keys: ReadonlyMap<string, PlainValue>;
}

/** @param file `-` is standard input. @throws BadInput where it cannot be read or is no map. */
export async function readRequestFile(file: string, io: CommandIo): Promise<RequestFile> {
  const text = file === "-" ? await io.readStdin() : await readText(file);
  const root = parsePlain(file, text);
  if (!isMap(root)) throw new BadInput(`${file}: write a map with the key \`attributes:\``);
  return { file, keys: new Map(Object.entries(root)) };
}

async function readText(file: string): Promise<string> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw new BadInput(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  });
  if (bytes.length > MAX_FILE_BYTES) throw new BadInput(`${file}: more than ${MAX_FILE_BYTES} bytes`);
  return bytes.toString("utf8");
}

export function isMap(value: PlainValue | undefined): value is { readonly [key: string]: PlainValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @throws BadInput for a key that is none of these, since it would be passed over without a word. */
export function onlyKeys({ file, keys }: RequestFile, known: readonly string[]): void {
  for (const key of keys.keys()) {
    if (!known.includes(key)) throw new BadInput(`${file}: unknown key \`${key}\`; there are ${known.join(", ")}`);
  }
}

/** @returns attributes out of a map of names, and the `-a` arguments on top of them. */
export function attributesFrom(named: PlainValue | undefined, args: readonly string[], where: string): Attributes {
  const attributes: Attributes = new Map();
  if (named !== undefined) {
    if (!isMap(named)) throw new BadInput(`${where}: attributes are a map from names to values`);
    for (const [name, value] of Object.entries(named)) addPlain(attributes, name, value);
  }
  for (const argument of args) addArgument(attributes, argument);
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
