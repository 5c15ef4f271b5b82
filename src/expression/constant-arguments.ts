import { Invalid } from "../attribute/value.ts";
import * as messages from "../diagnostics/messages/expression.ts";
import type { CheckedArgument } from "./functions/function-row.ts";
import { functionNamed } from "./functions/registry.ts";
import { MAX_LENIENT_PATTERN_STEPS, MAX_PATTERN_PROGRAM, MAX_PATTERN_STEPS } from "./limits.ts";
import { type CompiledPattern, compileGlob, compilePattern, compilingSteps } from "./pattern.ts";
import { type Problem, problem } from "./problem.ts";
import type { Tree } from "./tree.ts";
import { eachNode } from "./tree-walk.ts";
import { zoneOf } from "./zone.ts";

/**
 * Patterns are compiled and zones looked up when a snapshot is linked: here it is seen that this will work, and not take too long for all
 * patterns together.
 */
export function constantArgumentProblem(tree: Tree): Problem | undefined {
  const looker = new Looker();
  eachNode(tree, (node) => {
    if (node.op === "call") looker.look(node);
  });
  return looker.found;
}

/** Where wrong patterns are left to fail when they are evaluated, they are compiled all the same: not thousands of them. */
export function patternsProblem(tree: Tree): Problem | undefined {
  let found: Problem | undefined;
  let steps = MAX_LENIENT_PATTERN_STEPS;
  eachNode(tree, (node) => {
    const checked = node.op === "call" ? functionNamed(node.function)?.checked : undefined;
    const argument = checked && node.op === "call" ? node.args[checked.argument] : undefined;
    if (checked?.kind === "zone" || argument?.op !== "constant" || argument.value.type !== "string") return;
    const own = compilingSteps(argument.value.value);
    // What is too large by itself is not compiled.
    if (own <= MAX_PATTERN_STEPS) steps -= own;
    if (steps < 0) found ??= problem(messages.patternsTooLarge(), argument.at);
  });
  return found;
}

class Looker {
  found: Problem | undefined;
  /** That compiling patterns may still take. */
  #steps = MAX_PATTERN_STEPS;

  look({ function: name, args }: Tree & { op: "call" }): void {
    const checked = functionNamed(name)?.checked;
    const argument = checked && args[checked.argument];
    if (this.found || checked === undefined || argument === undefined) return;
    const text = argument.op === "constant" && argument.value.type === "string" ? argument.value.value : undefined;
    const finding = text === undefined ? notConstant(name, checked.kind) : this.#wrong(text, checked.kind);
    this.found = finding && problem(finding, argument.at);
  }

  #wrong(text: string, kind: CheckedArgument["kind"]): messages.Finding | undefined {
    switch (kind) {
      case "regex":
        return this.#wrongPattern(compilePattern(text));
      case "glob":
        return this.#wrongPattern(compileGlob(text));
      case "zone":
        return zoneOf(text) instanceof Invalid ? messages.unknownZone(text) : undefined;
    }
  }

  #wrongPattern(compiled: CompiledPattern): messages.Finding | undefined {
    this.#steps -= compiled.steps;
    if (compiled.ok) return this.#steps < 0 ? messages.patternsTooLarge() : undefined;
    return compiled.kind === "syntax"
      ? messages.badPattern(compiled.reason)
      : messages.patternTooLarge(compiled.reason, MAX_PATTERN_PROGRAM);
  }
}

function notConstant(name: string, kind: CheckedArgument["kind"]): messages.Finding | undefined {
  return kind === "zone" ? undefined : messages.patternNotConstant(name);
}
