/**
 * `cel.block`, `cel.index` and `cel.iterVar` are how the suite writes down what an optimizer made of an expression; every engine's harness
 * supplies them, and no language has them. Here they are written as the `cel.bind` that they mean: `cel.block([a, b], c)` is
 * `cel.bind(index0, dyn(a), cel.bind(index1, dyn(b), c))`.
 */
export function writeBlocks(expression: string): string {
  const named = expression
    .replace(/\bcel\.index\((\d+)\)/g, "index$1")
    .replace(/\bcel\.iterVar\((\d+),\s*(\d+)\)/g, "it_$1_$2");
  const block = /^\s*cel\.block\(\s*\[/.exec(named);
  if (!block) return named;
  const [values, rest] = splitUntilClose(named.slice(block[0].length));
  const body = rest.trim().replace(/^,/, "").replace(/\)$/, "");
  return values.reduceRight((inner, value, index) => `cel.bind(index${index}, dyn(${value}), ${inner})`, body);
}

/** @returns the elements up to the bracket that closes the list, and what follows it. */
function splitUntilClose(text: string): [elements: readonly string[], rest: string] {
  const elements: string[] = [];
  let depth = 0;
  let start = 0;
  // A text is one piece: its brackets and commas are not ours.
  for (const { 0: piece, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|./gs)) {
    if (depth === 0 && (piece === "," || piece === "]")) {
      elements.push(text.slice(start, index).trim());
      start = index + 1;
      if (piece === "]") return [elements, text.slice(start)];
    } else if (/^[[({]$/.test(piece)) depth++;
    else if (/^[\])}]$/.test(piece)) depth--;
  }
  throw new Error(`a block does not end: ${text}`);
}
