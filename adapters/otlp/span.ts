import {
  type Attributes,
  type AttributeValue,
  type HrTime,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
} from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import type { IdGenerator, ReadableSpan } from "@opentelemetry/sdk-trace";
import { type TraceSpan, toText, type Value } from "weir-mesh/adapter";

const NANOS_PER_SECOND = 1_000_000_000n;
const SCOPE = { name: "weir-mesh/adapters/otlp" };

/** A span as OpenTelemetry's exporters read it. Joined to the caller's trace where there is one, otherwise the root of a new one. */
export function readableSpan(span: TraceSpan, resource: Resource, ids: IdGenerator): ReadableSpan {
  const { parent } = span;
  const context: SpanContext = {
    traceId: parent?.traceId ?? ids.generateTraceId(),
    spanId: ids.generateSpanId(),
    // It is sent, so it is sampled, whatever the caller did with its own.
    traceFlags: TraceFlags.SAMPLED,
  };
  return {
    name: span.name,
    kind: SpanKind.SERVER,
    spanContext: () => context,
    ...(parent === undefined ? {} : { parentSpanContext: parentContext(parent) }),
    startTime: hrTime(span.startNanos),
    endTime: hrTime(span.endNanos),
    duration: hrTime(span.endNanos - span.startNanos),
    status: { code: span.error ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes: attributes(span),
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function parentContext({ traceId, spanId, sampled }: NonNullable<TraceSpan["parent"]>): SpanContext {
  return { traceId, spanId, traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE, isRemote: true };
}

/** Seconds and the nanoseconds beyond them: exact where milliseconds would not be. */
function hrTime(nanos: bigint): HrTime {
  return [Number(nanos / NANOS_PER_SECOND), Number(nanos % NANOS_PER_SECOND)];
}

function attributes(span: TraceSpan): Attributes {
  const shown: Attributes = Object.create(null);
  for (const [name, value] of Object.entries(span.attributes)) {
    const attribute = attributeValue(value);
    if (attribute !== undefined) shown[name] = attribute;
  }
  shown["weir.rule"] = span.rule;
  return shown;
}

/** What OTLP has a type for keeps it; everything else is text. Undefined for null, which OTLP attributes do not have. */
function attributeValue(value: Value): AttributeValue | undefined {
  if (value === null) return undefined;
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "bigint" && Number.isSafeInteger(Number(value))) return Number(value);
  if (typeof value === "object" && "type" in value && value.type === "list") return value.items.map(toText);
  return toText(value);
}
