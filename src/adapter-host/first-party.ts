import type { TemplateName } from "../adapter/templates.ts";

/** An adapter that lives in this repository: `adapter: log` is the module `weir-mesh/adapters/log`. */
export interface FirstPartyAdapter {
  readonly name: string;
  readonly templates: readonly TemplateName[];
  /** One sentence for `weir adapters`. */
  readonly summary: string;
}

export const FIRST_PARTY_ADAPTERS: readonly FirstPartyAdapter[] = [
  { name: "list", templates: ["listentry"], summary: "Objects to values that are, or are not, on a list." },
  { name: "log", templates: ["logentry"], summary: "Writes log entries as lines of JSON to a stream or a file." },
  { name: "memory-quota", templates: ["quota"], summary: "Keeps rolling-window counters in this process." },
  { name: "otlp", templates: ["tracespan"], summary: "Sends spans to an OpenTelemetry collector over HTTP." },
  { name: "prometheus", templates: ["metric"], summary: "Shows metrics on Weir's own /metrics." },
];
