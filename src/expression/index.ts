/**
 * CEL behind our own interface. At load, text becomes a plan: checked, positioned, plain data (`compileExpression`, `compileTemplate`).
 * Once per thread a plan becomes a closure (`link`, `linkTemplate`). Per request a closure reads a frame (`createFrame`) and gives a value,
 * absent or error; it never throws. Nothing outside of this folder knows which library parses.
 *
 * `linkTraced` tells how an outcome came about. The types of these stand in `compile.ts` (scopes, problems), `tree.ts` (plans), `frame.ts`
 * (frames, closures) and `trace.ts`.
 */
export { compileExpression } from "./compile.ts";
export { createFrame } from "./frame.ts";
export { link } from "./link.ts";
export { mayBeAbsent } from "./reads.ts";
export { compileTemplate, linkTemplate } from "./template.ts";
export { linkTraced } from "./trace.ts";
