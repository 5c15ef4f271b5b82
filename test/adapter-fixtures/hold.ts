/** A quota adapter that grants everything, once its gate lets it: holds requests within Weir for as long as a test wants. */
import { request } from "node:http";
import { defineAdapter, type QuotaAnswer, quota } from "weir-mesh/adapter";
import * as z from "zod";

/** Enough that it never matters. */
const REMAINING = 1_000_000n;

export default defineAdapter({
  name: "hold",
  templates: [quota],
  config: z.strictObject({ gate: z.url() }),
  open: ({ config: { gate } }) => ({
    async quota({ charges, operation }, { signal }): Promise<QuotaAnswer> {
      if (operation === "charge") await pass(gate, signal);
      const grants = charges.map(({ amount }) => ({ granted: amount, remaining: REMAINING, resetAfterMs: 0 }));
      return { kind: "granted", grants };
    },
  }),
});

/** The gate answers when it is open. */
function pass(gate: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request(gate, { signal, agent: false }, (response) => response.resume().on("end", resolve));
    asked.on("error", reject);
    asked.end();
  });
}
