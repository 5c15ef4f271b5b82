/**
 * For testing adapters, with any test runner: `conformanceCases` are the promises that every adapter makes, `openForTest` opens a handler
 * with a clock that stands still.
 */
export { conformanceCases } from "./conformance.ts";
export {
  type OpenedForTest,
  openForTest,
  type TestLogLine,
  type TestMemory,
  type TestSurroundings,
} from "./open-for-test.ts";
export type { ConformanceCase, ConformanceOptions } from "./options.ts";
export {
  deepFreeze,
  sampleCharge,
  sampleEntries,
  sampleMetrics,
  samplePoints,
  sampleQuestions,
  sampleSpans,
} from "./samples.ts";
export { TestClock } from "./test-clock.ts";
