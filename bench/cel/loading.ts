import { setImmediate } from "node:timers/promises";
import { examine } from "../../src/engine/examine.ts";
import { compileExpression } from "../../src/expression/index.ts";
import type { HandlerSet } from "../../src/snapshot/handler-set.ts";
import { linkPacked } from "../../src/snapshot/link.ts";
import { packPlan } from "../../src/snapshot/packed-plan.ts";
import type { Plan } from "../../src/snapshot/plan.ts";
import { median } from "./measure.ts";
import { TYPES } from "./requests.ts";

/** Expressions of the kinds that are measured, no two alike. */
export const LOADED = 10_000;
const RULES_PER_POLICY = 100;
const COMPILES = 3;
const LINKS = 7;

/** @returns milliseconds that reading, checking and planning all of them takes: the median of some times. */
export function compileAll(): number {
  const texts = Array.from({ length: LOADED }, (_, index) => expression(index));
  const scope = { attributes: TYPES, definitions: new Map() };
  return median(
    Array.from({ length: COMPILES }, () => {
      const start = performance.now();
      for (const text of texts) {
        const compiled = compileExpression(text, scope, "bool");
        if (!compiled.ok) throw new Error(`${text}: ${compiled.problem.message}`);
      }
      return performance.now() - start;
    }),
  );
}

export interface Linking {
  /** From its begin to its end, others' turns included. */
  readonly totalMs: number;
  /** The longest time that nobody else had a turn: the median of some times, for garbage is collected in some of them only; and the worst. */
  readonly stallMs: number;
  readonly worstStallMs: number;
}

/** Links a snapshot of as many rules, as the engine does when policies change, while something else wants a turn all the time. */
export async function linkAll(): Promise<Linking> {
  const plan = packPlan(planOfAll());
  const totals: number[] = [];
  const stalls: number[] = [];
  for (let time = 0; time < LINKS; time++) {
    const probe = new Probe();
    const probing = probe.run();
    // The probe has had its first turn.
    await setImmediate();
    const start = performance.now();
    await linkPacked(plan, NO_HANDLERS, { now: () => performance.now(), pause: () => setImmediate() });
    totals.push(performance.now() - start);
    probe.stop();
    await probing;
    stalls.push(probe.longestMs);
  }
  return { totalMs: median(totals), stallMs: median(stalls), worstStallMs: Math.max(...stalls) };
}

class Probe {
  longestMs = 0;
  #running = true;

  async run(): Promise<void> {
    for (let before = performance.now(); this.#running; ) {
      await setImmediate();
      const now = performance.now();
      this.longestMs = Math.max(this.longestMs, now - before);
      before = now;
    }
  }

  stop(): void {
    this.#running = false;
  }
}

function planOfAll(): Plan {
  const policies = Array.from({ length: LOADED / RULES_PER_POLICY }, (_, policy) => {
    const rules = Array.from({ length: RULES_PER_POLICY }, (_, rule) => {
      const when = JSON.stringify(expression(policy * RULES_PER_POLICY + rule));
      return `  - { allow: rule-${rule}, when: ${when} }`;
    });
    return { path: `p${policy}.yaml`, text: [`policy: p${policy}`, "raw-path: true", "check:", ...rules].join("\n") };
  });
  const files = [{ path: "weir.yaml", text: "doors: { weir: {} }\n" }, ATTRIBUTES, ...policies];
  const { plan, diagnostics } = examine({ files, id: "bench", diagnostics: [], signature: "" });
  if (plan === undefined) throw new Error(JSON.stringify(diagnostics.slice(0, 3)));
  return plan;
}

/** What the measured expressions read and Weir's own vocabulary does not have. */
const ATTRIBUTES = {
  path: "attributes.yaml",
  text: 'attributes:\n  - { attribute: request.auth.groups, type: "list(string)" }\n',
};

const NO_HANDLERS: HandlerSet = {
  deliver: () => undefined,
  ask: () => ({ kind: "no-objection" }),
  quota: () => {
    throw new Error("no limits here");
  },
  exposition: async () => "",
  retire: async () => undefined,
};

function expression(index: number): string {
  switch (index % 5) {
    case 0:
      return `request.method == "GET" && request.path.startsWith("/api/v${index}/")`;
    case 1:
      return `source.principal in ["spiffe://mesh/sa/a${index}", "spiffe://mesh/sa/b"] && destination.service == "s${index}"`;
    case 2:
      return `request.headers["x-role"] == "role-${index}" || (request.auth.groups.exists(g, g == "ops") && request.time.getHours("UTC") < 18)`;
    case 3:
      return `request.path.matches("^/users-${index}/[0-9]+/orders$")`;
    default:
      return Array.from({ length: 20 }, (_, one) => `destination.service == "service-${index}-${one}"`).join(" || ");
  }
}
