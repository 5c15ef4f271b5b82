export { LOG_LEVELS, type Log, type LogLevel, SILENT } from "./log.ts";
export { createMetrics, type Metrics } from "./metrics.ts";
export { logTo, type OpenLog, openLog } from "./open-log.ts";
export { type Telemetry, UNCOUNTED } from "./telemetry.ts";
