/** Longer words are not compared: nobody mistypes a hundred letters into another name. */
const MAX_WORD_LENGTH = 100;

/**
 * @returns the candidate that `word` was probably meant to be, undefined when none is near. Of equally near ones the first in
 * alphabetical order, so that the same mistake always gets the same answer.
 */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length === 0 || word.length > MAX_WORD_LENGTH) return undefined;
  const wanted = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = mistakesAllowed(word) + 1;
  for (const candidate of candidates) {
    if (candidate === word || candidate.length > MAX_WORD_LENGTH) continue;
    const distance = editDistance(wanted, candidate.toLowerCase(), bestDistance);
    if (distance < bestDistance || (distance === bestDistance && best !== undefined && candidate < best)) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** One mistake in a short word, more in longer ones; never so many that half of the word is another. */
function mistakesAllowed(word: string): number {
  if (word.length <= 2) return word.length - 1;
  return Math.min(3, Math.ceil(word.length / 4));
}

/**
 * Damerau-Levenshtein distance (insertion, deletion, replacement, swap of neighbours), or some number above `limit` as soon as it is
 * certain to be above.
 */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    let smallest = row;
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(at(last, column) + 1, at(current, column - 1) + 1, at(last, column - 1) + (same ? 0 : 1));
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) cost = Math.min(cost, at(beforeLast, column - 2) + 1);
      current.push(cost);
      smallest = Math.min(smallest, cost);
    }
    if (smallest > limit) return limit + 1;
    beforeLast = last;
    last = current;
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
