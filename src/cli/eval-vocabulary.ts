import { type CelType, formatType } from "../attribute/type.ts";
import { prefixConflict } from "../attribute/vocabulary.ts";
import { suggest } from "../diagnostics/suggest.ts";
import type { Naming } from "./attribute-values.ts";
import { BadInput } from "./bad-input.ts";
import { readText } from "./input.ts";
import { readType, TYPE_FORMS } from "./type-text.ts";

/** The attributes that an expression may read, and their types. */
export type EvalVocabulary = ReadonlyMap<string, CelType>;

/**
 * Reads a vocabulary: `{"attributes": {name: type}, "extras": {name: type}}`, the second as one likes. Other keys are others' business.
 * @throws BadInput where the file cannot be read or is something else.
 */
export async function readVocabulary(file: string): Promise<EvalVocabulary> {
  const root = parsed(file, await readText(file));
  const attributes = typesOf(file, "attributes", root["attributes"]);
  const extras = root["extras"] === undefined ? [] : typesOf(file, "extras", root["extras"]);
  return new Map([...attributes, ...extras]);
}

function parsed(file: string, text: string): Readonly<Record<string, unknown>> {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw new BadInput(`${file} is no JSON: ${error.message}`);
    throw error;
  }
  if (isRecord(root) && isRecord(root["attributes"])) return root;
  throw new BadInput(`${file}: write {"attributes": {"request.method": "string", …}}`);
}

function typesOf(file: string, key: string, types: unknown): readonly (readonly [string, CelType])[] {
  if (!isRecord(types)) throw new BadInput(`${file}: \`${key}\` is an object from names to types`);
  return Object.entries(types).map(([name, text]) => {
    const type = typeof text === "string" ? readType(text) : undefined;
    if (type) return [name, type] as const;
    throw new BadInput(`${file}: the type of \`${name}\` is ${JSON.stringify(text)}; there are ${TYPE_FORMS}`);
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * How attributes are given beside a vocabulary: what it does not know becomes known by being given, unless it looks like a slip of the pen.
 * @param declared takes the types of what becomes known.
 */
export function declaring(vocabulary: EvalVocabulary, declared: Map<string, CelType>): Naming {
  return {
    vocabulary,
    declare(name, type, written) {
      const meant = written ? undefined : suggest(name, vocabulary.keys());
      if (meant !== undefined) {
        const way = `if it is another one, say its type: \`${name}:${formatType(type)}\``;
        throw new BadInput(`unknown attribute \`${name}\`: did you mean \`${meant}\`? (${way})`);
      }
      const conflict = prefixConflict(name, [...vocabulary.keys(), ...declared.keys()]);
      if (conflict !== undefined)
        throw new BadInput(
          `\`${name}\` cannot stand beside the attribute \`${conflict}\`: one name begins with the other`,
        );
      declared.set(name, type);
    },
  };
}
