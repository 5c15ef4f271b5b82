import * as z from "zod";

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
]);
const DURATION = /^(\d{1,6})(ms|s|m)$/;
const DEFAULT_TIMEOUT = "5s";
const MAX_TIMEOUT_MS = 60_000;

/** Milliseconds of a length of time as policies write it: `500ms`, `5s`. */
const duration = z
  .string("write a duration, for example `5s`")
  .regex(DURATION, "write a duration, for example `5s`")
  .transform((written) => {
    const [, digits, unit] = DURATION.exec(written) ?? [];
    return Number(digits) * (UNIT_MS.get(unit ?? "") ?? 1);
  })
  .refine((ms) => ms > 0 && ms <= MAX_TIMEOUT_MS, "from `1ms` to `60s`");

const endpoint = z
  .url({ protocol: /^https?$/, error: "write a URL, for example `http://collector:4318`" })
  .transform((written) => {
    const url = new URL(written);
    // As everywhere in OpenTelemetry: a bare host means its path for traces.
    if (url.pathname === "/") url.pathname = "/v1/traces";
    return url.href;
  });

export const config = z.strictObject({
  endpoint,
  headers: z.record(z.string(), z.string("write text")).default({}),
  timeout: duration.prefault(DEFAULT_TIMEOUT),
  "service-name": z.string("write text").min(1, "write a name").default("weir"),
});
