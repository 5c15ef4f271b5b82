import { parseDocument } from "yaml";
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import { convertDocument } from "./convert.ts";
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
  const broken: (readonly [number, number])[] = [];
  let readable = text;
  for (let reading = 0; reading < MAX_READINGS; reading++) {
    const document = parse(readable);
    const problems = syntaxProblems(file, readable, document);
    const fresh = problems.filter(({ mask }) => mask === undefined || !broken.some((range) => same(range, mask)));
    diagnostics.push(...fresh.map((problem) => problem.diagnostic));
    if (fresh.some((problem) => problem.mask === undefined)) return { root: undefined, diagnostics };
    if (fresh.length === 0) {
      const converted = convertDocument(file, text, document, broken);
      return { root: converted.root, diagnostics: [...diagnostics, ...converted.diagnostics] };
    }
    for (const { mask } of fresh) {
      if (mask === undefined) continue;
      broken.push(mask);
      readable = masked(readable, mask);
    }
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

function same(a: readonly [number, number], b: readonly [number, number]): boolean {
  return a[0] === b[0] && a[1] === b[1];
}

/** Puts words without any meaning to YAML in the place of a value; everything keeps its offset, white space its meaning. */
function masked(text: string, [start, end]: readonly [number, number]): string {
  return text.slice(0, start) + text.slice(start, end).replace(/\S/g, "x") + text.slice(end);
}
