import { expect, test } from "vitest";
import { parseTraceparent } from "./traceparent.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

test.each([
  [`00-${TRACE}-${SPAN}-01`, { traceId: TRACE, spanId: SPAN, sampled: true }],
  [`00-${TRACE}-${SPAN}-00`, { traceId: TRACE, spanId: SPAN, sampled: false }],
  [` 00-${TRACE}-${SPAN}-03 `, { traceId: TRACE, spanId: SPAN, sampled: true }],
  [`cc-${TRACE}-${SPAN}-01-what-the-future-brings`, { traceId: TRACE, spanId: SPAN, sampled: true }],
])("%s is taken", (header, parent) => {
  expect(parseTraceparent(header)).toEqual(parent);
});

test.each([
  undefined,
  "",
  `00-${TRACE}-${SPAN}`,
  `ff-${TRACE}-${SPAN}-01`,
  `00-${TRACE}-${SPAN}-01-extra`,
  `00-${"0".repeat(32)}-${SPAN}-01`,
  `00-${TRACE}-${"0".repeat(16)}-01`,
  `00-${TRACE.toUpperCase()}-${SPAN}-01`,
])("%s is not a traceparent", (header) => {
  expect(parseTraceparent(header)).toBeUndefined();
});
