import { parseDocument } from "yaml";
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import { convertDocument } from "./convert.ts";
import { Masks } from "./masks.ts";
import type { YamlNode } from "./node.ts";
import { syntaxProblems } from "./syntax.ts";

/** How often a file is read again with a value masked that YAML stumbled over; each reading costs as much as the first. */
const MAX_READINGS = 10;

export interface ParsedYaml {
  /** Undefined when the file is empty, or so broken that nothing of it can be trusted: then there are diagnostics. */
  readonly root: YamlNode | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads one file.
 *
 * YAML's first stumble over a value (`when: a ? b : c`) makes it misread what follows. So such a value is masked and the file read
 * again, until everything else in it can be judged in the same run.
 */
export function parseYaml(file: string, text: string): ParsedYaml {
  const diagnostics: Diagnostic[] = [];
  const masks = new Masks();
  let readable = text;
  for (let reading = 0; reading < MAX_READINGS; reading++) {
    const document = parse(readable);
    const fresh = syntaxProblems(file, readable, document).filter(({ mask }) => mask === undefined || !masks.has(mask));
    // What stands in a masked value was told of; YAML only stumbles over the mask.
    const echo = ({ span }: Diagnostic) => span !== undefined && masks.touches(span.start, span.end);
    diagnostics.push(...fresh.map((problem) => problem.diagnostic).filter((diagnostic) => !echo(diagnostic)));
    if (fresh.some((problem) => problem.mask === undefined)) return { root: undefined, diagnostics };
    if (fresh.length === 0) {
      const converted = convertDocument(file, text, document, masks);
      return { root: converted.root, diagnostics: [...diagnostics, ...converted.diagnostics] };
    }
    for (const { mask } of fresh) if (mask !== undefined) masks.add(mask);
    readable = masks.apply(text);
  }
  return { root: undefined, diagnostics };
}

function parse(text: string) {
  return parseDocument(text, {
    version: "1.2",
    schema: "core",
    intAsBigInt: true,
    keepSourceTokens: true,
    prettyErrors: false,
    // Compares every key with every other; the conversion does it with a set.
    uniqueKeys: false,
    // Not "silent", which would keep a second document from being told.
    logLevel: "error",
  });
}
