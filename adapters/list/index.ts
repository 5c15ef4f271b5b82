import { type CheckAnswer, defineAdapter, listentry, toText } from "weir-mesh/adapter";
import { config } from "./config.ts";
import { members } from "./members.ts";

/** Values longer than this are cut in messages. */
const MAX_SHOWN = 100;

export default defineAdapter({
  name: "list",
  templates: [listentry],
  config,
  open({ config }) {
    const isMember = members(config);
    const objects = config.mode === "block";
    return {
      listentry({ value }): CheckAnswer {
        const member = isMember(value);
        if (member === undefined)
          return { kind: "unavailable", reason: `\`${shown(toText(value))}\` is no IP address` };
        if (member !== objects) return { kind: "no-objection" };
        return { kind: "objection", message: `\`${shown(toText(value))}\` is ${objects ? "blocked" : "not allowed"}` };
      },
    };
  },
});

function shown(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
