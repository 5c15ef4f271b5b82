import * as z from "zod";

const DEFAULT_KEYS = 100_000;
/** About a kilobyte each. */
const MOST_KEYS = 10_000_000;

export const config = z.strictObject({
  keys: z
    .int("write a whole number")
    .min(1, "at least one key")
    .max(MOST_KEYS, `more than ${MOST_KEYS}`)
    .default(DEFAULT_KEYS),
});
