import { ABSENT } from "../attribute/value.ts";
import type { Reference } from "../expression/frame.ts";
import type { LinkedPolicy } from "../snapshot/linked.ts";
import { NOT_REUSABLE, type ReferencedAttribute, type Validity } from "./decision.ts";
import type { EngineClock } from "./engine.ts";
import type { Run } from "./run.ts";

/** Differ from request to request or connection to connection, so that nothing could be reused anyway. */
const NEVER_EQUAL: ReadonlySet<string> = new Set(["request.time", "peer.address"]);

/**
 * For how long and how often a client may reuse the precondition part of an answer (semantics.md section 5): never longer than any policy
 * that took part allows, nor beyond the token's expiry.
 */
export function validityOf(run: Run, clock: Pick<EngineClock, "epochNanos">): Validity {
  if (!mayHold(run)) return NOT_REUSABLE;
  // Before the set is looked at: what these read belongs to it.
  const caches = applicablePolicies(run).map((policy) => policy.plan.cache);
  const untilExpiryMs = untilExpiry(run, Number(clock.epochNanos() / 1_000_000n));
  const { references, reusable } = run.frame.references();
  const referenced = references.map((reference) => referencedAttribute(reference, run));
  if (!reusable || referenced.some(({ attribute }) => NEVER_EQUAL.has(attribute))) return NOT_REUSABLE;
  const forMs = Math.min(untilExpiryMs, ...caches.map((cache) => cache.forMs));
  const uses = Math.min(...caches.map((cache) => cache.uses));
  return caches.length > 0 && forMs > 0 && uses > 0 ? { forMs, uses, referenced } : NOT_REUSABLE;
}

/** Whether the next equal request would be answered so: not where we could not decide or ask, nor where a limit may have room again. */
function mayHold({ ruling: { verdict }, guessed }: Run): boolean {
  return (verdict === "allowed" || verdict === "denied") && !guessed;
}

function referencedAttribute({ slot, key, match }: Reference, { snapshot }: Run): ReferencedAttribute {
  const attribute = snapshot.slots[slot]?.name ?? "";
  // That it is there is said as what it is: the set may promise more than is needed, never less.
  return { attribute, ...(key === undefined ? {} : { key }), condition: match === "absence" ? "absent" : "exact" };
}

/** Policies whose rules took part: those whose `when` is not definitely false. */
function applicablePolicies({ program, conditions }: Run): readonly LinkedPolicy[] {
  const policies: LinkedPolicy[] = [];
  const found = program.indexes.policies.find(conditions);
  for (let one = found.next(); one !== undefined; one = found.next()) {
    if (conditions.ofPolicy(one.policy) !== false) policies.push(one.policy);
  }
  return policies;
}

/** Milliseconds until the token runs out, where the answer rests on one; a token without expiry sets no bound. */
function untilExpiry({ frame, snapshot }: Run, wallMs: number): number {
  const restsOnToken = frame
    .references()
    .references.some(({ slot }) => snapshot.slots[slot]?.name.startsWith("request.auth."));
  const slot = snapshot.slots.find(({ name }) => name === "request.auth.claims")?.slot;
  // Through the frame: another token of the same caller may run out earlier.
  const expiry = restsOnToken && slot !== undefined ? frame.readKey(slot, "exp") : ABSENT;
  const seconds = typeof expiry === "number" ? expiry : typeof expiry === "bigint" ? Number(expiry) : undefined;
  return seconds === undefined ? Number.POSITIVE_INFINITY : Math.max(0, Math.floor(seconds * 1000 - wallMs));
}
