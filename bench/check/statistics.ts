export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** @returns the smallest value that at least `part` of all values do not exceed (nearest rank); NaN of none. @param sorted ascending */
export function percentile(sorted: ArrayLike<number>, part: number): number {
  const rank = Math.ceil(sorted.length * part);
  return sorted[Math.max(rank, 1) - 1] ?? Number.NaN;
}
