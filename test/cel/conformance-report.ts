/** What passes of Google's conformance suite, by section, and what fails: `node test/cel/conformance-report.ts [section …]`. */
import { conformanceTests, countsOf, judge } from "./conformance.ts";

// `| head` is a way to read this.
process.stdout.on("error", () => process.exit());
const wanted = new Set(process.argv.slice(2));
const { tests, skipped } = conformanceTests();
const judged = tests.map((one) => ({ ...one, why: judge(one) }));
const failed = new Set(judged.flatMap(({ name, why }) => (why === undefined ? [] : [name])));

line("section", "value", "error", "skipped");
for (const section of new Set([...tests, ...skipped].map((one) => one.section))) count(section);
count(undefined);
for (const { name, section, e, why } of judged) {
  if (why !== undefined && (wanted.size === 0 || wanted.has(section)))
    process.stdout.write(`\n${name}: ${why}\n    ${e}\n`);
}

function count(section: string | undefined): void {
  const counts = countsOf(
    tests.filter((one) => section === undefined || one.section === section),
    failed,
  );
  const [value, error] = [counts.value, counts.error].map(({ passed, of }) => `${passed}/${of}`);
  const left = skipped.filter((one) => section === undefined || one.section === section).length;
  line(section ?? "together", value ?? "", error ?? "", String(left));
}

function line(...cells: readonly string[]): void {
  process.stdout.write(`${cells.map((cell) => cell.padEnd(18)).join("")}\n`);
}
