import type { Diagnostic, Span } from "../diagnostics/diagnostic.ts";
import * as messages from "../diagnostics/messages/load.ts";
import type { Compiled, Expected, Problem, Scope } from "../expression/compile.ts";
import { compileExpression, compileTemplate } from "../expression/index.ts";
import type { AttributeRead, ExpressionPlan, Place, TemplatePlan } from "../expression/tree.ts";
import type { SourceText } from "../policy/authored.ts";

/**
 * One run of compilation: compiles expressions, puts their problems into the folder's coordinates and keeps every diagnostic.
 * An expression that does not compile gives undefined; the run goes on, so that all errors come at once.
 */
export class Compiler {
  readonly #diagnostics: Diagnostic[] = [];

  get diagnostics(): readonly Diagnostic[] {
    return this.#diagnostics;
  }

  add(...diagnostics: readonly Diagnostic[]): void {
    this.#diagnostics.push(...diagnostics);
  }

  expression(source: SourceText, scope: Scope, expected: Expected): ExpressionPlan | undefined {
    return this.#take(source, compileExpression(source.text, scope, expected));
  }

  /** As `expression`, where leaving the key out is fine. */
  optional(source: SourceText | undefined, scope: Scope, expected: Expected): ExpressionPlan | undefined {
    return source === undefined ? undefined : this.expression(source, scope, expected);
  }

  template(source: SourceText, scope: Scope): TemplatePlan | undefined {
    return this.#take(source, compileTemplate(source.text, scope));
  }

  #take<T extends Pick<Use, "reads">>(source: SourceText, compiled: Compiled<T>): T | undefined {
    if (!compiled.ok) {
      this.add(toDiagnostic(source, compiled.problem));
      return undefined;
    }
    this.add(...compiled.warnings.map((warning) => toDiagnostic(source, warning)));
    this.add(...headerNames({ reads: compiled.plan.reads, source }));
    return compiled.plan;
  }
}

/** Maps whose names the doors supply in lower case. */
const HEADERS: ReadonlySet<string> = new Set(["request.headers", "response.headers", "response.trailers"]);

/** A deny that looks for `X-Role` would be false whatever the client sends. The first one is told of. */
function headerNames(use: Use): readonly Diagnostic[] {
  for (const { attribute, key, at } of use.reads) {
    if (key === undefined || key === key.toLowerCase() || !HEADERS.has(attribute)) continue;
    // One that stands in a definition is told of there.
    const isHere = use.source.text.slice(...at).includes(key);
    if (isHere) return [messages.headerNameCase(spanOf(use, at), attribute, key)];
  }
  return [];
}

function toDiagnostic(source: SourceText, problem: Problem): Diagnostic {
  return {
    severity: problem.severity,
    code: problem.code,
    message: problem.message,
    span: source.locate(problem.start, problem.end),
    ...(problem.help === undefined ? {} : { help: problem.help }),
  };
}

/** Something that reads attributes, with the text it was compiled from: what the load rules look at. */
export interface Use {
  readonly reads: readonly AttributeRead[];
  readonly source: SourceText;
}

export function spanOf(use: Use, place: Place): Span {
  return use.source.locate(place[0], place[1]);
}

/** @returns a Use for each pair that compiled. */
export function uses(
  pairs: readonly (readonly [{ readonly reads: readonly AttributeRead[] } | undefined, SourceText | undefined])[],
): Use[] {
  return pairs.flatMap(([plan, source]) => (plan && source ? [{ reads: plan.reads, source }] : []));
}
