/** Behind every position. */
export const NO_POSITION = 0x7fffffff;

/** Where what stands at each position of a list stands now, ascending; GONE where it stands nowhere. */
export type Places = Int32Array;
export const GONE = -1;

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
  readonly #places: (Places | undefined)[] = [];
  /** By list, where its next position stands, and the position itself as it is now. */
  readonly #next: number[] = [];
  readonly #first: number[] = [];
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

  /** @param places where they stand now; undefined: where they say. */
  addAll(positions: readonly number[], places?: Places): void {
    const list = this.#count;
    this.#count += 1;
    this.#lists[list] = positions;
    this.#places[list] = places;
    this.#goTo(list, 0);
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
    for (let list = 0; list < this.#count; list += 1) least = Math.min(least, this.#first[list] ?? NO_POSITION);
    return least;
  }

  /** Takes away the position that came first. */
  skip(position: number): void {
    while (this.#nextSingle < this.#singleCount && this.#singles[this.#nextSingle] === position) this.#nextSingle += 1;
    for (let list = 0; list < this.#count; list += 1) {
      if (this.#first[list] === position) this.#goTo(list, (this.#next[list] ?? 0) + 1);
    }
  }

  /** Its next position is the first at `index` or behind it that still stands somewhere. */
  #goTo(list: number, index: number): void {
    const positions = this.#lists[list] ?? NOTHING;
    const places = this.#places[list];
    let next = index;
    let first = placeOf(positions[next], places);
    while (first === GONE) {
      next += 1;
      first = placeOf(positions[next], places);
    }
    this.#next[list] = next;
    this.#first[list] = first;
  }

  #takeApart(): void {
    for (let list = 0; list < this.#count; list += 1) {
      for (
        let first = this.#first[list] ?? NO_POSITION;
        first !== NO_POSITION;
        first = this.#first[list] ?? NO_POSITION
      ) {
        this.add(first);
        this.#goTo(list, (this.#next[list] ?? 0) + 1);
      }
    }
    this.#count = 0;
  }
}

const NOTHING: readonly number[] = [];

function placeOf(position: number | undefined, places: Places | undefined): number {
  if (position === undefined) return NO_POSITION;
  return places === undefined ? position : (places[position] ?? GONE);
}

function sortFew(numbers: number[], count: number): void {
  for (let end = 1; end < count; end += 1) {
    const moved = numbers[end] ?? 0;
    let at = end;
    for (; at > 0 && (numbers[at - 1] ?? 0) > moved; at -= 1) numbers[at] = numbers[at - 1] ?? 0;
    numbers[at] = moved;
  }
}
