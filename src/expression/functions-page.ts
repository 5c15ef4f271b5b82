import type { FunctionRow } from "./functions/function-row.ts";
import { LIBRARIES } from "./functions/registry.ts";

const INTRODUCTION = `# Expressions

<!-- Written by \`UPDATE=1 npx vitest run src/expression/functions-page.test.ts\` from the tables in src/expression/functions: edit those. -->

Conditions and values in policies are [CEL](https://cel.dev). What a name means: a variable of a loop, then an attribute ([attributes.md](attributes.md)),
then a definition of the policy (\`define:\`), then a type.

**Absent and error.** An attribute, or a key of a map, that a request does not have is *absent*; what cannot be made sense of is an *error*.
\`false && …\` is false and \`true || …\` is true whatever the other side is; \`exists\` and \`all\` fold the same way. Everything else is an error when one of
its operands is, and absent when one of them is. \`has(a.b)\` is false when \`b\` is not there, absent when \`a\` is not. \`.get\`, \`.values\`, \`.orDefault\` and
optionals (\`a.?b\`, \`a[?k]\`) have an answer for absence.

**Loops.** \`list.exists(x, …)\`, \`list.all(x, …)\`, \`list.exists_one(x, …)\`, \`list.filter(x, …)\`, \`list.map(x, …)\`, \`list.map(x, only if, …)\`; a map is walked by its keys.

**Limits.** An expression has at most 4 KiB and 64 levels of brackets. All evaluations of one request together have a budget; what does not end within
it is an error.

**Texts with expressions.** In fields that take text, \`\${…}\` shows an expression as \`string()\` does, whole numbers without a point; \`$\${\` stands for the two
characters \`\${\`. A text is absent or an error when one of its expressions is.

In the tables a capital letter is any type, the same one each time. \`timestamp\` and \`duration\` are \`google.protobuf.Timestamp\` and
\`google.protobuf.Duration\`.
`;

/** @returns docs/cel.md. */
export function functionsPage(): string {
  return [INTRODUCTION, ...LIBRARIES.map(([title, rows]) => section(title, rows))].join("\n");
}

function section(title: string, rows: readonly FunctionRow[]): string {
  const lines = rows.map(
    (row) => `| ${row.signatures.map((signature) => `\`${signature}\``).join("<br>")} | ${row.doc} |`,
  );
  return `## ${title}\n\n| forms | meaning |\n| --- | --- |\n${lines.join("\n")}\n`;
}
