import type { LinkedPolicy } from "../snapshot/snapshot.ts";
import { NOT_REUSABLE, type ReferencedAttribute, type Validity } from "./decision.ts";
import type { Run } from "./run.ts";

/** Differ from request to request or connection to connection, so that nothing could be reused anyway. */
const NEVER_EQUAL: ReadonlySet<string> = new Set(["request.time", "peer.address"]);

/**
 * For how long and how often a client may reuse the precondition part of an answer (semantics.md section 5): never longer than any policy
 * that took part allows, nor beyond the token's expiry.
 */
export function validityOf(run: Run, wallMs: number): Validity {
  const { references, reusable } = run.frame.references();
  if (!reusable || run.ruling.verdict === "undecided") return NOT_REUSABLE;
  const caches = [...applicablePolicies(run)].map((policy) => policy.plan.cache);
  if (caches.length === 0) return NOT_REUSABLE;
  const referenced = references.map(({ slot, key, match }): ReferencedAttribute => {
    const attribute = run.snapshot.slots[slot]?.name ?? "";
    // That it is there is said as what it is: the set may promise more than is needed, never less.
    return { attribute, ...(key === undefined ? {} : { key }), condition: match === "absence" ? "absent" : "exact" };
  });
  if (referenced.some(({ attribute }) => NEVER_EQUAL.has(attribute))) return NOT_REUSABLE;
  const forMs = Math.min(...caches.map((cache) => cache.forMs), untilExpiry(run, referenced, wallMs));
  const uses = Math.min(...caches.map((cache) => cache.uses));
  return forMs > 0 && uses > 0 ? { forMs, uses, referenced } : NOT_REUSABLE;
}

/** Policies whose rules took part: those whose `when` is not definitely false. */
function applicablePolicies(run: Run): ReadonlySet<LinkedPolicy> {
  const { rules, asks, changes, limits } = run.program;
  const policies = new Set([...rules, ...asks, ...changes, ...limits].map((rule) => rule.policy));
  return new Set([...policies].filter((policy) => run.conditions.ofPolicy(policy) !== false));
}

/** Milliseconds until the token runs out, where the answer rests on one; a token without expiry sets no bound. */
function untilExpiry(run: Run, referenced: readonly ReferencedAttribute[], wallMs: number): number {
  if (!referenced.some(({ attribute }) => attribute.startsWith("request.auth."))) return Number.POSITIVE_INFINITY;
  const slot = run.snapshot.slots.find(({ name }) => name === "request.auth.claims")?.slot;
  const expiry = slot === undefined ? undefined : run.source.readKey(slot, "exp");
  const seconds = typeof expiry === "number" ? expiry : typeof expiry === "bigint" ? Number(expiry) : undefined;
  return seconds === undefined ? Number.POSITIVE_INFINITY : Math.max(0, Math.floor(seconds * 1000 - wallMs));
}
