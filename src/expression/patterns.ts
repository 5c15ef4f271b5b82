import * as messages from "../diagnostics/messages/expression.ts";
import type { Problem } from "./compile.ts";
import { functionNamed } from "./functions/registry.ts";
import { MAX_PATTERN_PROGRAM } from "./limits.ts";
import { compileGlob, compilePattern } from "./pattern.ts";
import { problem } from "./problem.ts";
import type { Tree } from "./tree.ts";
import { eachNode } from "./tree-walk.ts";

/** Patterns are compiled when a snapshot is linked: here it is seen that they are constant, and that they compile. */
export function patternProblem(tree: Tree): Problem | undefined {
  let found: Problem | undefined;
  eachNode(tree, (node) => {
    if (found === undefined && node.op === "call") found = problemOf(node.function, node.args);
  });
  return found;
}

function problemOf(name: string, args: readonly Tree[]): Problem | undefined {
  const pattern = functionNamed(name)?.pattern;
  const source = pattern && args[pattern.argument];
  if (pattern === undefined || source === undefined) return undefined;
  if (source.op !== "constant" || source.value.type !== "string")
    return problem(messages.patternNotConstant(name), source.at);
  const compiled = pattern.kind === "regex" ? compilePattern(source.value.value) : compileGlob(source.value.value);
  if (compiled.ok) return undefined;
  const finding =
    compiled.kind === "syntax"
      ? messages.badPattern(compiled.reason)
      : messages.patternTooLarge(compiled.reason, MAX_PATTERN_PROGRAM);
  return problem(finding, source.at);
}
