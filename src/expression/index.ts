/**
 * CEL behind our own interface. At load, text becomes a plan: checked, positioned, plain data (`compileExpression`, `compileTemplate`).
 * Once per thread a plan becomes a closure (`link`, `linkTemplate`). Per request a closure reads a frame (`createFrame`) and gives a value,
 * absent or error; it never throws. `linkTraced` tells how an outcome came about.
 *
 * The types of these stand in `compile.ts` (scopes, problems), `tree.ts` (plans), `frame.ts` (frames, closures) and `trace.ts`.
 */
export { bareExpression, bareTemplate } from "./bare.ts";
export { compileExpression } from "./compile.ts";
export { NO_TESTS, Subjects, testsOf } from "./condition-tests.ts";
export { createFrame, frameOf } from "./frame.ts";
// For what shows expressions and values to people (`weir eval`); serving needs none of it.
export { CEL_GO_BOUNDS, DEFAULT_BUDGET, POLICY_BOUNDS } from "./limits.ts";
export { link } from "./link.ts";
export { formatDouble } from "./number-text.ts";
export { problem, quoted } from "./problem.ts";
export { mayBeAbsent } from "./reads.ts";
export { SharedParts } from "./shared-parts.ts";
// Names of peers are judged as what expressions read of them.
export { parseSpiffeId } from "./spiffe.ts";
export { compileTemplate, linkTemplate } from "./template.ts";
export { parseDuration, parseTimestamp } from "./time.ts";
export { linkTraced } from "./trace.ts";
export { eachNode } from "./tree-walk.ts";
export { isFailure, isList, isMap, typeName } from "./values.ts";
