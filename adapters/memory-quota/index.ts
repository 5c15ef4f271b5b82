import { defineAdapter, quota } from "weir-mesh/adapter";
import { config } from "./config.ts";
import { Counters } from "./counters.ts";

export default defineAdapter({
  name: "memory-quota",
  templates: [quota],
  config,
  open({ config: { keys }, now, kept }) {
    // Kept when the handler is opened anew: an edit must not give everybody a second allowance.
    const counters = kept("counters", () => new Counters());
    return { quota: (request) => counters.answer(request, keys, now.monotonicMs()) };
  },
});
