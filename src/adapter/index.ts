/**
 * The SDK for adapters. An adapter is a module whose default export is `defineAdapter({ … })`; docs/adapter-guide.md writes one in twenty
 * lines, `weir-mesh/adapter/testing` tests it.
 */
export {
  ADAPTER,
  type Adapter,
  type AdapterDefinition,
  API_VERSION,
  defineAdapter,
  listentry,
  logentry,
  metric,
  quota,
  type Template,
  tracespan,
} from "./define-adapter.ts";
export type { AdapterClock, AdapterEnv, AdapterLog, AdapterTimers, Timer } from "./env.ts";
export type { Call, Handler, HandlerLifecycle, TemplateMethods } from "./handler.ts";
export { formatDuration, formatTime, type Json, toJson, toText } from "./json.ts";
export type {
  CheckAnswer,
  ListEntry,
  LogEntry,
  MetricDescriptor,
  MetricPoint,
  QuotaAnswer,
  QuotaCharge,
  QuotaGrant,
  QuotaRefusal,
  QuotaRequest,
  TemplateName,
  TraceSpan,
} from "./templates.ts";
export type { DurationValue, ListValue, MapValue, TimestampValue, Value } from "./value.ts";
