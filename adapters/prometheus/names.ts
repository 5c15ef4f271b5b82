import type { MetricDescriptor } from "weir-mesh/adapter";

const HISTOGRAM_PARTS = ["_bucket", "_sum", "_count"];
const OURS = "weir_";

/** @throws Error for metrics that would make the exposition ambiguous; the text is for the author of the policy. */
export function refuseAmbiguous(metrics: readonly MetricDescriptor[]): void {
  const names = new Set(metrics.map(({ name }) => name));
  for (const { name, kind, dimensions } of metrics) {
    if (name.startsWith(OURS)) throw new Error(`metric \`${name}\`: names that begin with \`${OURS}\` are Weir's own`);
    const reserved = dimensions.find((dimension) => dimension.startsWith("__"));
    if (reserved !== undefined)
      throw new Error(`metric \`${name}\`: Prometheus keeps dimensions like \`${reserved}\` for itself`);
    if (kind !== "histogram") continue;
    if (dimensions.includes("le"))
      throw new Error(`metric \`${name}\`: \`le\` is the bound of a histogram's bucket and cannot be a dimension`);
    const part = HISTOGRAM_PARTS.find((suffix) => names.has(name + suffix));
    if (part !== undefined) throw new Error(`metric \`${name}${part}\` is a part of the histogram \`${name}\``);
  }
}
