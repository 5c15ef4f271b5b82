export type Range = readonly [start: number, end: number];

/** The values of one file about which something was said already, and which nobody should stumble over again. */
export class Masks {
  readonly #known = new Set<string>();
  #ranges: Range[] = [];
  #sorted = true;

  add(range: Range): void {
    this.#known.add(range.join("-"));
    this.#ranges.push(range);
    this.#sorted = false;
  }

  has(range: Range): boolean {
    return this.#known.has(range.join("-"));
  }

  /** @returns whether a mask lies over some of a range. */
  touches(start: number, end: number): boolean {
    const ranges = this.#inOrder();
    let low = 0;
    let high = ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((ranges[middle]?.[1] ?? 0) <= start) low = middle + 1;
      else high = middle;
    }
    const first = ranges[low];
    return first !== undefined && first[0] < end;
  }

  /** Puts words without any meaning to YAML in the place of the values; everything keeps its offset, white space its meaning. */
  apply(text: string): string {
    const parts: string[] = [];
    let from = 0;
    for (const [start, end] of this.#inOrder()) {
      parts.push(text.slice(from, start), text.slice(start, end).replace(/\S/g, "x"));
      from = end;
    }
    parts.push(text.slice(from));
    return parts.join("");
  }

  /** In order and apart: those that overlap become one. */
  #inOrder(): readonly Range[] {
    if (this.#sorted) return this.#ranges;
    const merged: Range[] = [];
    for (const range of this.#ranges.sort((a, b) => a[0] - b[0])) {
      const last = merged.at(-1);
      if (last !== undefined && range[0] < last[1]) merged[merged.length - 1] = [last[0], Math.max(last[1], range[1])];
      else merged.push(range);
    }
    this.#ranges = merged;
    this.#sorted = true;
    return merged;
  }
}
