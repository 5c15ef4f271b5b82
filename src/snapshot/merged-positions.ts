/** Behind every position. */
export const NO_POSITION = 0x7fffffff;

/** Lists that are merged as they are read; more are made one list first. */
const MAX_LISTS = 8;
/** Positions that are sorted by putting each where it belongs. */
const FEW = 16;

/**
 * Positions from several ascending lists and single ones, in ascending order, each once. Its memory is used again: long lists are not copied
 * and usually nothing is allocated.
 */
export class MergedPositions {
  readonly #lists: (readonly number[])[] = [];
  /** By list, where its next position stands. */
  readonly #next: number[] = [];
  #count = 0;
  #singles: number[] = [];
  #singleCount = 0;
  #nextSingle = 0;

  clear(): void {
    this.#count = 0;
    this.#singleCount = 0;
    this.#nextSingle = 0;
  }

  add(position: number): void {
    this.#singles[this.#singleCount] = position;
    this.#singleCount += 1;
  }

  addAll(positions: readonly number[]): void {
    this.#lists[this.#count] = positions;
    this.#next[this.#count] = 0;
    this.#count += 1;
  }

  /** To be called when all are added. */
  sort(): void {
    if (this.#count > MAX_LISTS) this.#takeApart();
    if (this.#singleCount > FEW) {
      this.#singles = this.#singles.slice(0, this.#singleCount).sort((a, b) => a - b);
    } else if (this.#singleCount > 1) {
      sortFew(this.#singles, this.#singleCount);
    }
  }

  /** @returns the least that is left, NO_POSITION when there is none. */
  first(): number {
    let least = this.#nextSingle < this.#singleCount ? (this.#singles[this.#nextSingle] ?? NO_POSITION) : NO_POSITION;
    for (let list = 0; list < this.#count; list += 1) {
      const position = this.#lists[list]?.[this.#next[list] ?? 0];
      if (position !== undefined && position < least) least = position;
    }
    return least;
  }

  /** Takes away the position that came first. */
  skip(position: number): void {
    while (this.#nextSingle < this.#singleCount && this.#singles[this.#nextSingle] === position) this.#nextSingle += 1;
    for (let list = 0; list < this.#count; list += 1) {
      const at = this.#next[list] ?? 0;
      if (this.#lists[list]?.[at] === position) this.#next[list] = at + 1;
    }
  }

  #takeApart(): void {
    for (let list = 0; list < this.#count; list += 1) {
      for (const position of this.#lists[list] ?? []) this.add(position);
    }
    this.#count = 0;
  }
}

function sortFew(numbers: number[], count: number): void {
  for (let end = 1; end < count; end += 1) {
    const moved = numbers[end] ?? 0;
    let at = end;
    for (; at > 0 && (numbers[at - 1] ?? 0) > moved; at -= 1) numbers[at] = numbers[at - 1] ?? 0;
    numbers[at] = moved;
  }
}
