/**
 * CEL behind our own interface. At load, text becomes a plan: checked, positioned, plain data (`compileExpression`, `compileTemplate`).
 * Once per thread a plan becomes a closure (`link`, `linkTemplate`). Per request a closure reads a frame (`createFrame`) and gives a value,
 * absent or error; it never throws. Nothing outside of this folder knows which library parses.
 */
export {
  type Compiled,
  compileExpression,
  type Definition,
  type Expected,
  type Problem,
  type Scope,
} from "./compile.ts";
export {
  createFrame,
  type Evaluate,
  type Frame,
  type FrameInput,
  type LinkScope,
  type Reference,
  type References,
  type Render,
  type RequestFrame,
} from "./frame.ts";
export { FUNCTIONS } from "./functions/registry.ts";
export { link } from "./link.ts";
export { compileTemplate, linkTemplate } from "./template.ts";
export type { AttributeRead, ExpressionPlan, Guard, Literal, Place, TemplatePlan, Tree } from "./tree.ts";
