/** A place as people count it: lines and columns from 1, columns in code points. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** @returns the position of one offset; for several of one text a LineTable answers faster. */
export function positionOf(text: string, offset: number): Position {
  return new LineTable(text).position(offset);
}

/** Turns offsets of one text into lines and columns: one pass over the text, then a binary search per question. */
export class LineTable {
  readonly #text: string;
  readonly #starts: readonly number[];
  // Where the last question was answered: questions come in order, and a file of one long line must not cost a walk from its start each time.
  #last = { offset: 0, line: 1, column: 1 };

  constructor(text: string) {
    this.#text = text;
    const starts = [0];
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
    this.#starts = starts;
  }

  get lineCount(): number {
    return this.#starts.length;
  }

  /** @returns the position of a UTF-16 offset; offsets beyond the end stand at the end. */
  position(offset: number): Position {
    const at = Math.max(0, Math.min(offset, this.#text.length));
    const line = this.#lineOf(at);
    const known = this.#last.line === line && this.#last.offset <= at ? this.#last : undefined;
    const from = known?.offset ?? this.lineStart(line);
    const column = (known?.column ?? 1) + codePoints(this.#text, from, at);
    this.#last = { offset: at, line, column };
    return { line, column };
  }

  /** @returns the offset at which a line begins. */
  lineStart(line: number): number {
    return this.#starts[line - 1] ?? this.#text.length;
  }

  /** @returns the text of a line without its line break. */
  lineText(line: number): string {
    const next = this.#starts[line];
    const end = next === undefined ? this.#text.length : next - 1;
    const start = this.lineStart(line);
    const withoutReturn = end > start && this.#text[end - 1] === "\r" ? end - 1 : end;
    return this.#text.slice(start, withoutReturn);
  }

  #lineOf(offset: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  }
}

/** Code points between two offsets; an offset inside a surrogate pair counts as before it. */
function codePoints(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) {
    const unit = text.charCodeAt(at);
    const pair = unit >= 0xd800 && unit <= 0xdbff && isLowSurrogate(text.charCodeAt(at + 1));
    if (pair && at + 1 >= to) break;
    if (pair) at++;
    count++;
  }
  return count;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
