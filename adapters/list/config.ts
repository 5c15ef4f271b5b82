import * as z from "zod";
import { parsePrefix } from "./address.ts";

/** Values are kept in memory, in every thread that checks. */
const MAX_VALUES = 100_000;
const MAX_VALUE_LENGTH = 4_096;

const text = z
  .string("write text; put a number in quotes")
  .min(1, "an empty text is on no list")
  .max(MAX_VALUE_LENGTH, `longer than ${MAX_VALUE_LENGTH} characters`);

export const config = z
  .strictObject({
    mode: z.enum(["block", "allow"], "`block` objects to what is on the list, `allow` to everything else"),
    type: z.enum(["strings", "ip"], "`strings` compares text, `ip` compares addresses").default("strings"),
    values: z.array(text, "write a list of values").max(MAX_VALUES, `more than ${MAX_VALUES} values`),
  })
  .superRefine(({ type, values }, context) => {
    if (type !== "ip") return;
    for (const [index, value] of values.entries()) {
      if (parsePrefix(value) === undefined) {
        const message = `\`${value}\` is no IP address and no range like \`10.0.0.0/8\``;
        context.addIssue({ code: "custom", path: ["values", index], message });
      }
    }
  });

export type ListConfig = z.infer<typeof config>;
