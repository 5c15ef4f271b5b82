import type { AttributeRead } from "../expression/tree.ts";
import type { Attributes } from "./attributes.ts";
import type { PolicyPlan } from "./plan.ts";

/**
 * Marks what would show something that `mask:` names: metrics by a dimension (only those pay for a masked view of the record), and asks by
 * their value, which an adapter may quote in its answer.
 */
export function markMasked(policy: PolicyPlan, attributes: Attributes, mask: readonly string[]): PolicyPlan {
  return {
    ...policy,
    asks: policy.asks.map((ask) =>
      ask.value.reads.some((read) => isMasked(read, attributes, mask)) ? { ...ask, masked: true } : ask,
    ),
    reports: policy.reports.map((report) => {
      if (report.kind !== "metric") return report;
      const reads = report.dimensions.flatMap(({ expression }) => expression.reads);
      return reads.some((read) => isMasked(read, attributes, mask)) ? { ...report, masked: true } : report;
    }),
  };
}

/** Whether what stands behind a read is named by `mask:`, is part of something that is, or holds it. */
export function isMasked(read: AttributeRead, attributes: Attributes, mask: readonly string[]): boolean {
  return attributes.behind(read).some(({ attribute, key }) => {
    const path = within(key === undefined ? attribute : `${attribute}.${key}`);
    return mask.some((name) => path.startsWith(within(name)) || within(name).startsWith(path));
  });
}

/** Header names are masked in whatever case they are written. */
function within(path: string): string {
  return `${path.toLowerCase()}.`;
}
