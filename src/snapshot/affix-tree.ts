/**
 * Texts by what they begin with, or end with: a compressed trie. All entries that a text begins (or ends) with lie on one way from the
 * root, which is as long as the text at most, however many entries there are.
 */
export interface AffixNode<T> {
  /** What the text goes on with from the node above; read from the end where the tree is of suffixes. */
  label: string;
  /** What is held under the whole way to here. */
  held: T | undefined;
  /** By the UTF-16 unit that their labels begin with (or end with); undefined when there is none. */
  below: Map<number, AffixNode<T>> | undefined;
}

export type AffixSide = "prefix" | "suffix";

export function newAffixTree<T>(): AffixNode<T> {
  return { label: "", held: undefined, below: undefined };
}

/** Puts something under a text; there must be nothing yet. */
export function addAffix<T>(root: AffixNode<T>, text: string, side: AffixSide, held: T): void {
  let node = root;
  let rest = text;
  while (rest !== "") {
    node.below ??= new Map();
    const unit = firstUnit(rest, side);
    const next = node.below.get(unit);
    if (next === undefined) {
      node.below.set(unit, { label: rest, held, below: undefined });
      return;
    }
    const shared = sharedLength(next.label, rest, side);
    if (shared < next.label.length) splitNode(next, shared, side);
    rest = without(rest, shared, side);
    node = next;
  }
  node.held = held;
}

/** @returns the next node on the way of a text of which `at` units are behind us; undefined at its end. */
export function nextAffix<T>(node: AffixNode<T>, text: string, at: number, side: AffixSide): AffixNode<T> | undefined {
  if (node.below === undefined || at >= text.length) return undefined;
  const end = text.length - at;
  const next = node.below.get(side === "prefix" ? text.charCodeAt(at) : text.charCodeAt(end - 1));
  if (next === undefined) return undefined;
  const goesOn = side === "prefix" ? text.startsWith(next.label, at) : text.endsWith(next.label, end);
  return goesOn ? next : undefined;
}

/** The node keeps the first `length` units of its label; what it had is below it. */
function splitNode<T>(node: AffixNode<T>, length: number, side: AffixSide): void {
  const rest = without(node.label, length, side);
  const lower: AffixNode<T> = { label: rest, held: node.held, below: node.below };
  node.label = side === "prefix" ? node.label.slice(0, length) : node.label.slice(node.label.length - length);
  node.held = undefined;
  node.below = new Map([[firstUnit(rest, side), lower]]);
}

function firstUnit(text: string, side: AffixSide): number {
  return text.charCodeAt(side === "prefix" ? 0 : text.length - 1);
}

function without(text: string, length: number, side: AffixSide): string {
  return side === "prefix" ? text.slice(length) : text.slice(0, text.length - length);
}

function sharedLength(a: string, b: string, side: AffixSide): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && unitAt(a, length, side) === unitAt(b, length, side)) length += 1;
  return length;
}

function unitAt(text: string, at: number, side: AffixSide): number {
  return text.charCodeAt(side === "prefix" ? at : text.length - 1 - at);
}
