import * as z from "zod";

const DEFAULT_MAX_SERIES = 10_000;
/** A scrape of so many series takes seconds. */
const MOST_SERIES = 1_000_000;

export const config = z.strictObject({
  "max-series": z
    .int("write a whole number")
    .min(1, "a metric needs at least one series")
    .max(MOST_SERIES, `more than ${MOST_SERIES}`)
    .default(DEFAULT_MAX_SERIES),
});
