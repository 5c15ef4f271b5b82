import * as messages from "../diagnostics/messages/expression.ts";
import { type Problem, problem, quoted } from "./problem.ts";
import type { Tree } from "./tree.ts";
import { eachNode } from "./tree-walk.ts";

/**
 * A map literal that has a key twice. CEL's specification has it as an error, cel-go and our evaluation let the last one count: a policy
 * that is loaded has no reason to say what does not count.
 */
export function duplicateKeyProblem(tree: Tree, text: string): Problem | undefined {
  let found: Problem | undefined;
  eachNode(tree, (node) => {
    if (found === undefined && node.op === "map") found = duplicateIn(node, text);
  });
  return found;
}

function duplicateIn({ entries }: Tree & { op: "map" }, text: string): Problem | undefined {
  const seen = new Set<string>();
  for (const [key] of entries) {
    const id = idOf(key);
    if (id === undefined) continue;
    if (seen.has(id)) return problem(messages.duplicateKey(quoted(text.slice(...key.at))), key.at);
    seen.add(id);
  }
  return undefined;
}

/** The same for equal keys that are written; 1 and 1u are equal. */
function idOf(key: Tree): string | undefined {
  if (key.op !== "constant") return undefined;
  const { value } = key;
  switch (value.type) {
    case "int":
    case "uint":
      return `number ${value.value}`;
    case "string":
    case "bool":
      return `${value.type} ${value.value}`;
    default:
      return undefined;
  }
}
