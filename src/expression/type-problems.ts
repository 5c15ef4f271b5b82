import { type CelType, formatType } from "../attribute/type.ts";
import * as messages from "../diagnostics/messages/expression.ts";
import type { FunctionRow } from "./functions/function-row.ts";
import { overloadsOf } from "./functions/registry.ts";
import type { Overload } from "./functions/signature.ts";
import { formsOf } from "./names.ts";
import { type Expected, type Problem, problem } from "./problem.ts";
import type { Place } from "./tree.ts";

/** What does not type-check, in words for people; and whether a result is what its place needs. */

/** @returns what is wrong with how a function is called, its arguments' types aside. */
export function callForm(
  { name, variadic }: FunctionRow,
  isMember: boolean,
  args: number,
): { readonly finding: messages.Finding; readonly at?: Place } | undefined {
  const sameForm = overloadsOf(name).filter((overload) => overload.isMember === isMember);
  if (sameForm.length === 0) return { finding: messages.otherForm(name, formsOf(name)[0] ?? name) };
  const given = args + (isMember ? 1 : 0);
  if ((variadic && given > 0) || sameForm.some(({ parameters }) => parameters.length === given)) return undefined;
  return { finding: messages.argumentCount(name, args, formsOf(name)) };
}

/** @returns what to say when no overload takes these types, and whether it is only what the function is called on. */
export function argumentTypes(
  name: string,
  candidates: readonly Overload[],
  types: readonly string[],
  isMember: boolean,
): { readonly finding: messages.Finding; readonly ofReceiver: boolean } {
  const [receiver = "dyn", ...others] = types;
  if (!isMember) return { finding: messages.argumentTypes(name, undefined, types, formsOf(name)), ofReceiver: false };
  const isOfOptionals = candidates.every(({ parameters }) => parameters[0]?.kind === "optional");
  if (isOfOptionals && !receiver.startsWith("optional_type"))
    return { finding: messages.optionalNeeded(receiver), ofReceiver: true };
  return { finding: messages.argumentTypes(name, receiver, others, formsOf(name)), ofReceiver: false };
}

/** `text.size` for `text.size()`. */
export function fieldHelp(field: string): string | undefined {
  const isFunction = formsOf(field).some((form) => form.endsWith(`.${field}()`));
  return isFunction ? `call it: \`.${field}()\`` : undefined;
}

export function operatorHelp(sign: string, types: readonly string[]): string | undefined {
  const isCompared = sign === "==" || sign === "!=";
  if (isCompared && types.includes("null")) return "nothing here is ever null: `has(…)` tells whether it is there";
  if (sign === "in" && !/^(?:list|map)/.test(types[1] ?? "")) return "a list is written `[…]`";
  return conversionHelp(types);
}

/** The mistake behind most of these: a number compared with its text, or with a number of another type. */
function conversionHelp([left, right]: readonly string[]): string | undefined {
  if (left === undefined || right === undefined || left === right) return undefined;
  const convertible = ["int", "uint", "double", "string", "bool", "timestamp", "duration"];
  return convertible.includes(left) && convertible.includes(right)
    ? `convert one of them, for example with \`${left}(…)\` or \`${right}(…)\``
    : undefined;
}

/** What each place needs, and in which words. */
const NEEDED: Readonly<Record<Expected, { readonly kinds: readonly CelType["kind"][]; readonly words: string }>> = {
  bool: { kinds: ["bool"], words: "a bool" },
  number: { kinds: ["int", "uint", "double"], words: "a number" },
  int: { kinds: ["int"], words: "an int" },
  string: { kinds: ["string"], words: "a string" },
  any: { kinds: [], words: "a value" },
};

/** @returns what to say when a result is not what its place needs; `dyn` may be, and is looked at when it is known. */
export function resultProblem(type: CelType, expected: Expected, text: string): Problem | undefined {
  const { kinds, words } = NEEDED[expected];
  if (kinds.length === 0 || type.kind === "dyn" || kinds.includes(type.kind)) return undefined;
  const start = text.length - text.trimStart().length;
  return problem(messages.wrongResult(words, formatType(type), resultHelp(type, expected)), [
    start,
    text.trimEnd().length,
  ]);
}

function resultHelp(type: CelType, expected: Expected): string | undefined {
  if (expected === "bool")
    return type.kind === "optional" ? "end it with `.orValue(false)`" : "compare it with something: `… == …`";
  if (expected === "number" && type.kind === "duration") return "take a number of it: `….getMilliseconds()`";
  const convertible = ["int", "uint", "double", "string", "bool"].includes(type.kind);
  if (!convertible || expected === "any") return undefined;
  return `convert it: \`${expected === "number" ? "double" : expected}(…)\``;
}

/** Types that a text with `${…}` can show: those that `string()` takes. */
const SHOWABLE: ReadonlySet<CelType["kind"]> = new Set([
  "string",
  "bool",
  "int",
  "uint",
  "double",
  "bytes",
  "timestamp",
  "duration",
  "dyn",
]);

export function showableProblem(type: CelType, place: Place): Problem | undefined {
  return SHOWABLE.has(type.kind) ? undefined : problem(messages.notShowable(formatType(type)), place);
}
