import { Invalid } from "../attribute/value.ts";
import * as messages from "../diagnostics/messages/expression.ts";
import type { CheckedArgument } from "./functions/function-row.ts";
import { functionNamed } from "./functions/registry.ts";
import { MAX_PATTERN_PROGRAM } from "./limits.ts";
import { type CompiledPattern, compileGlob, compilePattern } from "./pattern.ts";
import { type Problem, problem } from "./problem.ts";
import type { Tree } from "./tree.ts";
import { eachNode } from "./tree-walk.ts";
import { zoneOf } from "./zone.ts";

/** Patterns are compiled and zones looked up when a snapshot is linked: here it is seen that this will work. */
export function constantArgumentProblem(tree: Tree): Problem | undefined {
  let found: Problem | undefined;
  eachNode(tree, (node) => {
    if (found === undefined && node.op === "call") found = problemOf(node.function, node.args);
  });
  return found;
}

function problemOf(name: string, args: readonly Tree[]): Problem | undefined {
  const checked = functionNamed(name)?.checked;
  const argument = checked && args[checked.argument];
  if (checked === undefined || argument === undefined) return undefined;
  const text = argument.op === "constant" && argument.value.type === "string" ? argument.value.value : undefined;
  const finding = text === undefined ? notConstant(name, checked.kind) : wrong(text, checked.kind);
  return finding && problem(finding, argument.at);
}

function notConstant(name: string, kind: CheckedArgument["kind"]): messages.Finding | undefined {
  return kind === "zone" ? undefined : messages.patternNotConstant(name);
}

function wrong(text: string, kind: CheckedArgument["kind"]): messages.Finding | undefined {
  switch (kind) {
    case "regex":
      return wrongPattern(compilePattern(text));
    case "glob":
      return wrongPattern(compileGlob(text));
    case "zone":
      return zoneOf(text) instanceof Invalid ? messages.unknownZone(text) : undefined;
  }
}

function wrongPattern(compiled: CompiledPattern): messages.Finding | undefined {
  if (compiled.ok) return undefined;
  return compiled.kind === "syntax"
    ? messages.badPattern(compiled.reason)
    : messages.patternTooLarge(compiled.reason, MAX_PATTERN_PROGRAM);
}
