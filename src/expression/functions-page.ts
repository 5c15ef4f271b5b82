import { assumedCost, ORDINARY_PATTERNS } from "./cost.ts";
import { foldedForms } from "./functions/folded-forms.ts";
import type { FunctionRow } from "./functions/function-row.ts";
import { LIBRARIES, type Library } from "./functions/registry.ts";
import { ASSUMED_BYTES, ASSUMED_CHARACTERS, ASSUMED_ENTRIES, DEFAULT_BUDGET, POLICY_BOUNDS } from "./limits.ts";
import { MACROS } from "./macros.ts";

const { length, nesting, levels, entries } = POLICY_BOUNDS;

const INTRODUCTION = `# Expressions

<!-- Written by \`UPDATE=1 npx vitest run src/expression/functions-page.test.ts\` from the tables in src/expression: edit those. -->

Conditions and values in policies are [CEL](https://cel.dev), with its optional values and its extensions for texts, numbers, lists, sets, encodings,
regular expressions and networks. What type-checks in Google's cel-go type-checks here and has the same value. [\`weir eval\`](eval.md) tries an
expression out.

- [Names](#names), [absence and errors](#absence-and-errors), [limits and steps](#limits-and-steps), [texts with expressions](#texts-with-expressions)
- [Macros](#macros): \`has\`, \`all\`, \`exists\`, \`filter\`, \`map\` …
${LIBRARIES.map(({ title, rows }) => `- [${title}](#${anchor(title)}): ${namesOf(rows)}`).join("\n")}

## Names

What a name means: a variable of a loop, then an attribute ([attributes.md](attributes.md)), then a definition of the policy (\`define:\`), then a type.
A dot before a name (\`.x\`) passes the variables by. A field with odd characters stands in backquotes: \`\` labels.\`app/name\` \`\`.

## Absence and errors

An attribute, or a key of a map, that a request does not have is *absent*; what cannot be made sense of is an *error*.
\`false && …\` is false and \`true || …\` is true whatever the other side is; \`exists\` and \`all\` fold the same way. Everything else is an error when one of
its operands is, and absent when one of them is. \`has(a.b)\` is false when \`b\` is not there, absent when \`a\` is not. \`.get\`, \`.values\`, \`.orDefault\` and
optionals (\`a.?b\`, \`a[?k]\`) have an answer for absence.

**What an answer depends on** (for clients that may reuse it): each attribute that was read, with its value or its absence. Of a map it is the one key
that is asked for, by \`m.key\`, \`m["key"]\`, \`has\`, \`in\`, \`.get\` and \`.values\`; an answer that walked through a map, or passed it whole, is not reusable.
\`has\` of an attribute depends only on whether it is there. Functions read nothing by themselves.

## Limits and steps

An expression has at most ${length} bytes, ${nesting} levels of brackets, ${levels} levels of operators and ${entries} entries in one literal; chains of \`||\` and \`&&\`
are not levels. Every function costs steps, of some 50 ns each, and a request has ${DEFAULT_BUDGET} of them for all that is evaluated for it: what does not end within them
is an error. What an expression may cost is estimated when it is loaded, for texts of ${ASSUMED_CHARACTERS} characters, ${ASSUMED_BYTES} bytes, and lists and maps of ${ASSUMED_ENTRIES} entries;
it is refused when that is more than a request has. The tables show the steps of one call for the smallest arguments and for those,
with a pattern such as \`${ORDINARY_PATTERNS.regex}\`.

Regular expressions are RE2: linear in the text, without look-around and back references. A pattern must be a constant, so that it is compiled once.

## Texts with expressions

In fields that take text, \`\${…}\` shows an expression as \`string()\` does, whole numbers without a point; \`$\${\` stands for the two
characters \`\${\`. A text is absent or an error when one of its expressions is.

## The tables

A capital letter is any type, the same one each time, and X one of those that are listed. \`number\` is any of \`int\`, \`uint\` and \`double\`;
\`timestamp\` and \`duration\` are \`google.protobuf.Timestamp\` and \`google.protobuf.Duration\`, \`ip\` and \`cidr\` are \`net.IP\` and \`net.CIDR\`, \`optional(T)\` is
\`optional_type(T)\`. What is shown above a table is true of one request or another.
`;

/** @returns docs/cel.md. */
export function functionsPage(): string {
  return [INTRODUCTION, macros(), ...LIBRARIES.map(section)].join("\n");
}

function macros(): string {
  const lines = MACROS.map(({ forms, doc, example }) => `| ${inCode(forms)} | ${doc} | \`${example}\` |`);
  return `## Macros

A range is a list or a map. With one variable a map is walked by its keys; with two they are the index and the element of a list, or the key and the value
of a map. A round costs two steps and what is in it.

| forms | meaning | true |
| --- | --- | --- |
${lines.join("\n")}
`;
}

function section({ title, examples, rows }: Library): string {
  const lines = rows.filter(isWritten).map((row) => `| ${formsIn(row)} | ${row.doc} | ${steps(row)} |`);
  return `## ${title}

${shown(examples)}

| forms | meaning | steps |
| --- | --- | --- |
${lines.join("\n")}
`;
}

function shown(examples: readonly string[]): string {
  return ["```cel", ...examples, "```"].join("\n");
}

/** Others stand for what is written in another way. */
function isWritten({ name }: FunctionRow): boolean {
  return !name.startsWith("@");
}

function inCode(forms: readonly string[]): string {
  return forms.map((form) => `\`${form}\``).join("<br>");
}

function formsIn({ signatures }: FunctionRow): string {
  const forms = foldedForms(signatures).map(({ text, types }) =>
    types.length === 0 ? `\`${text}\`` : `\`${text}\`<br>X: ${types.join(", ")}`,
  );
  return forms.join("<br>");
}

function steps(row: FunctionRow): string {
  const { least, most } = assumedCost(row);
  return least === most ? `${least}` : `${least} – ${most}`;
}

/** What is searched for on a page: a function's name without its library's, an operator's sign. */
function namesOf(rows: readonly FunctionRow[]): string {
  return rows
    .filter(isWritten)
    .map(({ name }) => `\`${name.replaceAll("_", "")}\``)
    .join(" ");
}

/** By which a heading is linked to. */
function anchor(title: string): string {
  return title.toLowerCase().replaceAll(" ", "-");
}
