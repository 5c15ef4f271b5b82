import { MAX_PATTERN_CELLS, MAX_PATTERN_NODES, MAX_PATTERN_WORK } from "./limits.ts";
import type { CharacterSet, Shape } from "./pattern-shape.ts";

/**
 * A pattern as a table: one row per state, one column per class of characters that the pattern does not tell apart. Testing a text is one
 * look into it per character, whatever the pattern and whatever the text; all work is done before, and bounded.
 */

/** Without `test` the table would have become too large. `work`: steps that were made for it all the same. */
export interface MadeTable {
  readonly test: ((text: string) => boolean) | undefined;
  readonly work: number;
}

/** @returns a test for whether the pattern is found anywhere in a text. */
export function tableTest(shape: Shape): MadeTable {
  const nodes: Node[] = [{ kind: "match" }];
  const first = addNodes(shape, MATCH, nodes);
  if (first === undefined) return { test: undefined, work: nodes.length };
  const builder = new TableBuilder(nodes, alphabetOf(nodes));
  const table = builder.build(first);
  return { test: table && walking(table), work: nodes.length + builder.work };
}

// ── Nodes: what may come next ────────────────────────────────────────────────────────────────────────────────────

/** A node of the pattern's graph. Node 0 is the match. */
type Node =
  | { readonly kind: "match" }
  /** `pair` comes after the first half of a character beyond U+FFFF, where those are in the set. */
  | { readonly kind: "one"; readonly of: CharacterSet; readonly next: number; readonly pair: number | undefined }
  /** The second half. */
  | { readonly kind: "low"; readonly next: number }
  | { readonly kind: "any-of"; readonly next: readonly number[] }
  | { readonly kind: "start" | "end"; readonly next: number };

const MATCH = 0;

/** Adds the nodes of a shape after which comes the node `next`. @returns the first of them; undefined when there are too many. */
function addNodes(shape: Shape, next: number, nodes: Node[]): number | undefined {
  if (nodes.length > MAX_PATTERN_NODES) return undefined;
  switch (shape.kind) {
    case "one":
      return addOne(shape.of, next, nodes);
    case "start":
    case "end":
      return nodes.push({ kind: shape.kind, next }) - 1;
    case "sequence":
      return shape.parts.reduceRight<number | undefined>(
        (after, part) => (after === undefined ? undefined : addNodes(part, after, nodes)),
        next,
      );
    case "choice": {
      const options: number[] = [];
      for (const option of shape.options) {
        const first = addNodes(option, next, nodes);
        if (first === undefined) return undefined;
        options.push(first);
      }
      return nodes.push({ kind: "any-of", next: options }) - 1;
    }
    case "repeat":
      return addRepeat(shape, next, nodes);
  }
}

function addOne(of: CharacterSet, next: number, nodes: Node[]): number {
  const pair = of.inverted ? nodes.push({ kind: "low", next }) - 1 : undefined;
  return nodes.push({ kind: "one", of, next, pair }) - 1;
}

function addRepeat({ part, min, max }: Shape & { kind: "repeat" }, next: number, nodes: Node[]): number | undefined {
  let after: number | undefined = next;
  if (max === Number.POSITIVE_INFINITY) {
    // Its own successor: the place is taken before the part is known.
    const loop = nodes.push({ kind: "match" }) - 1;
    const first = addNodes(part, loop, nodes);
    if (first === undefined) return undefined;
    nodes[loop] = { kind: "any-of", next: [first, next] };
    after = loop;
  } else {
    for (let optional = max - min; optional > 0; optional--) {
      const first: number | undefined = addNodes(part, after, nodes);
      if (first === undefined) return undefined;
      after = nodes.push({ kind: "any-of", next: [first, next] }) - 1;
    }
  }
  for (let times = min; times > 0 && after !== undefined; times--) after = addNodes(part, after, nodes);
  return after;
}

// ── Columns: which characters are told apart ─────────────────────────────────────────────────────────────────────

interface Alphabet {
  /** By ASCII unit. */
  readonly ascii: Uint8Array;
  /** Units beyond ASCII that some set names. */
  readonly named: ReadonlyMap<number, number>;
  /** A unit of each column, for asking sets about it; -1 for the columns that have none. */
  readonly examples: readonly number[];
}

/** Columns that every alphabet has. */
const OTHER = 0;
const HIGH = 1;
const LOW = 2;
const END = 3;
const FIXED_COLUMNS = 4;
const ASCII = 128;
/** Not named by any set. */
const NO_UNIT = -1;

function alphabetOf(nodes: readonly Node[]): Alphabet {
  const sets = [...new Set(nodes.flatMap((node) => (node.kind === "one" ? [node.of] : [])))];
  const named = [...new Set(sets.flatMap((set) => [...set.beyond]))];
  const units = [...ASCII_UNITS, ...named];
  const columns = columnsOf(units, sets);
  const examples = new Array<number>(FIXED_COLUMNS).fill(NO_UNIT);
  columns.forEach((column, index) => {
    examples[column] ??= units[index] ?? NO_UNIT;
  });
  return {
    ascii: Uint8Array.from(columns.slice(0, ASCII)),
    named: new Map(named.map((unit, index) => [unit, columns[ASCII + index] ?? OTHER])),
    examples,
  };
}

const ASCII_UNITS: readonly number[] = Array.from({ length: ASCII }, (_, unit) => unit);
/** So many yes or no fit into the bits of a number beside the column so far. */
const SETS_AT_ONCE = 32;

/** @returns for each unit its column: the same for two units exactly when every set has both or neither. */
function columnsOf(units: readonly number[], sets: readonly CharacterSet[]): readonly number[] {
  let columns = units.map(() => FIXED_COLUMNS);
  for (let from = 0; from < sets.length; from += SETS_AT_ONCE) {
    const some = sets.slice(from, from + SETS_AT_ONCE);
    const known = new Map<number, number>();
    columns = units.map((unit, index) => {
      let key = columns[index] ?? 0;
      for (const set of some) key = key * 2 + (holds(set, unit) ? 1 : 0);
      const column = known.get(key) ?? FIXED_COLUMNS + known.size;
      known.set(key, column);
      return column;
    });
  }
  return columns;
}

function holds(set: CharacterSet, unit: number): boolean {
  return unit >= 0 && unit < ASCII ? set.ascii[unit] === 1 : set.beyond.has(unit) !== set.inverted;
}

// ── Rows: what may have been read so far ─────────────────────────────────────────────────────────────────────────

interface Table {
  /** Row by row; an entry is where the next row begins. Column END holds 1 where a text may end. */
  readonly cells: Uint16Array;
  readonly alphabet: Alphabet;
  readonly start: number;
  /** Where the row begins that stands for a match found; before it is the row of what can match no more. */
  readonly found: number;
}

/** Finds all sets of nodes that a text can lead to. */
class TableBuilder {
  readonly #nodes: readonly Node[];
  readonly #alphabet: Alphabet;
  readonly #width: number;
  readonly #rows = new Map<string, number>();
  /** The set of nodes that each row stands for. */
  readonly #sets: (readonly number[])[] = [];
  readonly #cells: number[] = [];
  work = 0;

  constructor(nodes: readonly Node[], alphabet: Alphabet) {
    this.#nodes = nodes;
    this.#alphabet = alphabet;
    this.#width = alphabet.examples.length;
  }

  build(first: number): Table | undefined {
    // Row 0 is the empty set, from which nothing can match any more.
    this.#rowOf("", []);
    const found = this.#rowOf(String(MATCH), [MATCH]);
    // Of its own, whatever it holds: only here does `^` match an empty text's end.
    const begin = this.#closure([first], { atStart: true });
    const start = begin[0] === MATCH ? found : this.#rowOf("^", begin);
    const later = this.#closure([first], {});
    const laterRow = this.#rowOf(later.join(), later);
    for (let row = 0; row < this.#sets.length; row++) {
      if (this.#sets.length * this.#width > MAX_PATTERN_CELLS || this.work > MAX_PATTERN_WORK) return undefined;
      this.#write(this.#sets[row] ?? [], row * this.#width === start, later, laterRow);
    }
    return { cells: Uint16Array.from(this.#cells), alphabet: this.#alphabet, start, found };
  }

  /** One row: where each column leads, a match that begins only later included. */
  #write(set: readonly number[], atStart: boolean, later: readonly number[], laterRow: number): void {
    for (let column = 0; column < this.#width; column++) {
      if (column === END) {
        this.#cells.push(this.#closure(set, { atStart, atEnd: true })[0] === MATCH ? 1 : 0);
      } else {
        const after = this.#step(set, column);
        this.#cells.push(after.length === 0 ? laterRow : this.#rowAfter([...after, ...later]));
      }
    }
  }

  #rowAfter(nodes: readonly number[]): number {
    const after = this.#closure(nodes, {});
    return this.#rowOf(after.join(), after);
  }

  /** The nodes after one more unit. */
  #step(set: readonly number[], column: number): number[] {
    const unit = this.#alphabet.examples[column] ?? NO_UNIT;
    const after: number[] = [];
    for (const index of set) {
      this.work++;
      const node = this.#nodes[index];
      if (node?.kind === "low" && column === LOW) after.push(node.next);
      if (node?.kind !== "one") continue;
      if (column === HIGH) after.push(...(node.pair === undefined ? [] : [node.pair]));
      else if (column !== LOW && holds(node.of, unit)) after.push(node.next);
    }
    return after;
  }

  /** The nodes that wait for something, in order; the match alone where it is among them. */
  #closure(from: readonly number[], { atStart = false, atEnd = false }): readonly number[] {
    const left = [...from];
    const seen = new Set<number>();
    const waiting: number[] = [];
    for (let index = left.pop(); index !== undefined; index = left.pop()) {
      if (seen.has(index)) continue;
      seen.add(index);
      this.work++;
      const node = this.#nodes[index];
      if (node?.kind === "match") return [MATCH];
      if (node?.kind === "any-of") left.push(...node.next);
      else if ((node?.kind === "start" && atStart) || (node?.kind === "end" && atEnd)) left.push(node.next);
      else if (node?.kind !== "start") waiting.push(index);
    }
    return waiting.sort((a, b) => a - b);
  }

  #rowOf(key: string, set: readonly number[]): number {
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const row = (this.#sets.push(set) - 1) * this.#width;
    this.#rows.set(key, row);
    return row;
  }
}

// ── Walking ──────────────────────────────────────────────────────────────────────────────────────────────────────

function walking({ cells, alphabet, start, found }: Table): (text: string) => boolean {
  const { ascii, named } = alphabet;
  const walk = (text: string, isWellFormed: boolean): boolean => {
    let row = start;
    for (let at = 0; at < text.length; at++) {
      if (row <= found) return row === found;
      const unit = text.charCodeAt(at);
      if (unit < ASCII) {
        row = cells[row + (ascii[unit] ?? OTHER)] ?? 0;
        continue;
      }
      const isSurrogate = (unit & 0xf800) === 0xd800;
      // Half a character counts as U+FFFD, which it becomes wherever it is sent.
      if (isSurrogate && !isWellFormed && !text.isWellFormed()) return walk(text.toWellFormed(), true);
      if (isSurrogate) isWellFormed = true;
      const column = isSurrogate ? (unit < 0xdc00 ? HIGH : LOW) : (named.get(unit) ?? OTHER);
      row = cells[row + column] ?? 0;
    }
    return cells[row + END] === 1;
  };
  return (text) => walk(text, false);
}
