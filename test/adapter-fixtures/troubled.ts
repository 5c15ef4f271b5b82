/** A log adapter in trouble of the kind its config names: for what becomes of its records, and of everybody else's. */
import { defineAdapter, logentry } from "weir-mesh/adapter";
import * as z from "zod";

export default defineAdapter({
  name: "troubled",
  templates: [logentry],
  config: z.strictObject({ trouble: z.enum(["throws", "rejects", "hangs"]) }),
  open: ({ config: { trouble } }) => ({
    logentry(): Promise<void> {
      switch (trouble) {
        case "throws":
          throw new Error("a trouble");
        case "rejects":
          return Promise.reject(new Error("a trouble"));
        case "hangs":
          return new Promise(() => undefined);
      }
    },
  }),
});
