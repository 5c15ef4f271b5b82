export { LOG_LEVELS, type Log, type LogFacts, type LogLevel, SILENT } from "./log.ts";
export { createMetrics, type Metrics, type MetricsOptions } from "./metrics.ts";
export { logTo, type OpenLog, openLog } from "./open-log.ts";
export { type HandlerCounts, type Telemetry, type TelemetryView, UNCOUNTED } from "./telemetry.ts";
