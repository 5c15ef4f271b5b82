import { type CelType, formatType } from "../attribute/type.ts";
import type { CelValue } from "../attribute/value.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import * as messages from "../diagnostics/messages/expression.ts";
import { reportDiagnostics } from "../diagnostics/render-json.ts";
import { renderText } from "../diagnostics/render-text.ts";
import type { Problem } from "../expression/compile.ts";
import { compileExpression, isFailure, problem, typeName } from "../expression/index.ts";
import type { Bounds } from "../expression/limits.ts";
import type { Trace } from "../expression/trace.ts";
import type { Attributes } from "./attribute-values.ts";
import { celText } from "./cel-text.ts";
import type { CommandIo } from "./command-io.ts";
import { type Failure, failureOf } from "./eval-failure.ts";
import { type Runnable, runnable } from "./eval-run.ts";
import { traceJson, traceText } from "./eval-trace.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { OutputFormat } from "./options.ts";
import { isWritable, writeTyped } from "./typed-values.ts";

/** An expression, what it may read and what it reads. */
export interface Asked {
  readonly text: string;
  /** What messages call it. */
  readonly name: string;
  readonly types: ReadonlyMap<string, CelType>;
  readonly attributes: Attributes;
}

export interface OneSettings {
  readonly bounds: Bounds;
  readonly budget: number;
  readonly trace?: true;
  readonly output: OutputFormat;
}

/** Evaluates an expression and shows what comes of it. */
export function evalOne(asked: Asked, settings: OneSettings, io: CommandIo): ExitCode {
  const answer = answerTo(asked, settings);
  if (settings.output === "json") io.out(`${JSON.stringify(asJson(answer, asked), null, 2)}\n`);
  else tell(answer, asked, io);
  return EXITS[answer.kind];
}

const EXITS = { refused: EXIT.usage, failed: EXIT.noValue, value: EXIT.ok } as const;

/** What came of an expression: it makes no sense, it has no value, or it has one. */
type Answer =
  | { readonly kind: "refused"; readonly problems: readonly Problem[] }
  | (Evaluated & { readonly kind: "failed"; readonly failure: Failure })
  | (Evaluated & { readonly kind: "value"; readonly value: CelValue });

interface Evaluated {
  readonly expression: Runnable;
  readonly problems: readonly Problem[];
  readonly trace: Trace | undefined;
}

function answerTo({ text, types, attributes }: Asked, { bounds, budget, trace: isTraced }: OneSettings): Answer {
  const scope = { attributes: types, definitions: new Map() };
  const compiled = compileExpression(text, scope, "any", { bounds, lenient: true, unfolded: isTraced === true });
  if (!compiled.ok) return { kind: "refused", problems: [compiled.problem] };
  const { plan, warnings } = compiled;
  const expression = runnable(plan, budget);
  const outcome = expression.run(attributes);
  const trace = isTraced ? expression.trace(attributes) : undefined;
  // That a constant is constant is what its value says.
  const problems = plan.constant === undefined ? warnings : [];
  if (!isFailure(outcome)) return { kind: "value", value: outcome, expression, problems, trace };
  const failure = failureOf(outcome, trace ?? expression.trace(attributes), plan, attributes);
  // A warning could only say beforehand what the failure says now.
  return { kind: "failed", failure, expression, problems: [failureProblem(failure)], trace };
}

function failureProblem({ absent, category, detail, at }: Failure): Problem {
  if (absent === "attribute") return problem(messages.noSuchAttribute(detail), at);
  if (absent === "key") return problem(messages.noSuchKey(detail), at);
  const help = category === "cost limit" ? "`--limits cel-go` allows more than a request has" : undefined;
  return problem(messages.evaluationFails(detail, help), at);
}

function diagnosticsOf({ problems }: Answer, { name }: Asked): readonly Diagnostic[] {
  return problems.map(({ start, end, ...said }) => ({ ...said, span: { file: name, start, end } }));
}

/** For people: the value and its type, the tree of values below it; what is wrong on standard error. */
function tell(answer: Answer, asked: Asked, io: CommandIo): void {
  const { kind } = answer;
  if (kind === "value") io.out(`${celText(answer.value)} : ${typeText(answer.expression.plan.type, answer.value)}\n`);
  if (kind !== "refused" && answer.trace)
    io.out(`${kind === "value" ? "\n" : ""}${traceText(answer.trace, answer.expression.plan)}`);
  io.err(renderText(diagnosticsOf(answer, asked), new Map([[asked.name, asked.text]]), { color: io.color.err }));
}

/** What is `dyn` at load is something by now. */
function typeText(type: CelType, value: CelValue): string {
  return type.kind === "dyn" ? `dyn (${typeName(value)})` : formatType(type);
}

/** For programs: the typed form of the value, or the category of the error; lines and columns from 1. */
function asJson(answer: Answer, asked: Asked): object {
  const report = reportDiagnostics(diagnosticsOf(answer, asked), new Map([[asked.name, asked.text]]));
  if (answer.kind === "refused") return report;
  return {
    version: report.version,
    type: formatType(answer.expression.plan.type),
    ...(answer.kind === "value" ? valueJson(answer.value) : { error: answer.failure.category }),
    diagnostics: report.diagnostics,
    ...(answer.trace ? { trace: traceJson(answer.trace) } : {}),
  };
}

function valueJson(value: CelValue): Readonly<Record<string, unknown>> {
  return { text: celText(value), ...(isWritable(value) ? { value: writeTyped(value) } : {}) };
}
