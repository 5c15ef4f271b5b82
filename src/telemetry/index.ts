export { LOG_LEVELS, type Log, type LogFacts, type LogLevel, SILENT } from "./log.ts";
export { type HandlerCounts, type Telemetry, type TelemetryView, UNCOUNTED } from "./telemetry.ts";
