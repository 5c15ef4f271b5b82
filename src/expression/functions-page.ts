import { assumedCost } from "./cost.ts";
import type { FunctionRow } from "./functions/function-row.ts";
import { LIBRARIES } from "./functions/registry.ts";
import { ASSUMED_BYTES, ASSUMED_CHARACTERS, ASSUMED_ENTRIES, DEFAULT_BUDGET, POLICY_BOUNDS } from "./limits.ts";
import { MACROS } from "./macros.ts";

const INTRODUCTION = `# Expressions

<!-- Written by \`UPDATE=1 npx vitest run src/expression/functions-page.test.ts\` from the tables in src/expression: edit those. -->

Conditions and values in policies are [CEL](https://cel.dev), with its optional values and its extensions for texts, numbers, lists, sets, encodings,
regular expressions and networks. What type-checks in Google's cel-go type-checks here and has the same value. \`weir eval\` evaluates an expression.

What a name means: a variable of a loop, then an attribute ([attributes.md](attributes.md)), then a definition of the policy (\`define:\`), then a type.
A dot before a name (\`.x\`) passes the variables by. A field with odd characters stands in backquotes: \`\` labels.\`app/name\` \`\`.

**Absent and error.** An attribute, or a key of a map, that a request does not have is *absent*; what cannot be made sense of is an *error*.
\`false && …\` is false and \`true || …\` is true whatever the other side is; \`exists\` and \`all\` fold the same way. Everything else is an error when one of
its operands is, and absent when one of them is. \`has(a.b)\` is false when \`b\` is not there, absent when \`a\` is not. \`.get\`, \`.values\`, \`.orDefault\` and
optionals (\`a.?b\`, \`a[?k]\`) have an answer for absence.

**What an answer depends on** (for clients that may reuse it): each attribute that was read, with its value or its absence. Of a map it is the one key
that is asked for, by \`m.key\`, \`m["key"]\`, \`has\`, \`in\`, \`.get\` and \`.values\`; an answer that walked through a map, or passed it whole, is not reusable.
\`has\` of an attribute depends only on whether it is there. Functions read nothing by themselves.

**Limits.** An expression has at most ${POLICY_BOUNDS.length} bytes, ${POLICY_BOUNDS.nesting} levels of brackets, ${POLICY_BOUNDS.levels} levels of operators and ${POLICY_BOUNDS.entries} entries in one literal; chains of \`||\` and \`&&\`
are not levels. Every function costs steps, of some 50 ns each, and a request has ${DEFAULT_BUDGET} of them for all that is evaluated for it: what does not end within them
is an error. What an expression may cost is estimated when it is loaded, for texts of ${ASSUMED_CHARACTERS} characters, ${ASSUMED_BYTES} bytes, and lists and maps of ${ASSUMED_ENTRIES} entries;
it is refused when that is more than a request has. The tables show the steps of one call for the smallest arguments and for those.

**Regular expressions** are RE2: linear in the text, without look-around and back references. A pattern must be a constant, so that it is compiled once.

**Texts with expressions.** In fields that take text, \`\${…}\` shows an expression as \`string()\` does, whole numbers without a point; \`$\${\` stands for the two
characters \`\${\`. A text is absent or an error when one of its expressions is.

In the tables a capital letter is any type, the same one each time. \`timestamp\` and \`duration\` are \`google.protobuf.Timestamp\` and
\`google.protobuf.Duration\`, \`ip\` and \`cidr\` are \`net.IP\` and \`net.CIDR\`, \`optional(T)\` is \`optional_type(T)\`.
`;

/** @returns docs/cel.md. */
export function functionsPage(): string {
  return [INTRODUCTION, macros(), ...LIBRARIES.map(([title, rows]) => section(title, rows))].join("\n");
}

function macros(): string {
  const lines = MACROS.map(({ forms, doc }) => `| ${inCode(forms)} | ${doc} |`);
  return `## Macros\n\nA range is a list or a map. With one variable a map is walked by its keys; with two they are the index and the element of a list, or the key and the value
of a map. A round costs two steps and what is in it.\n\n| forms | meaning |\n| --- | --- |\n${lines.join("\n")}\n`;
}

function section(title: string, rows: readonly FunctionRow[]): string {
  const shown = rows.filter((row) => !row.name.startsWith("@"));
  const lines = shown.map((row) => `| ${inCode(row.signatures)} | ${row.doc} | ${steps(row)} |`);
  return `## ${title}\n\n| forms | meaning | steps |\n| --- | --- | --- |\n${lines.join("\n")}\n`;
}

function inCode(forms: readonly string[]): string {
  return forms.map((form) => `\`${form}\``).join("<br>");
}

function steps(row: FunctionRow): string {
  const { least, most } = assumedCost(row);
  return least === most ? `${least}` : `${least} – ${most}`;
}
