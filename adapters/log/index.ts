import { defineAdapter, logentry } from "weir-mesh/adapter";
import { config } from "./config.ts";
import { logLine } from "./line.ts";
import { fileOutput, streamOutput } from "./output.ts";

export default defineAdapter({
  name: "log",
  templates: [logentry],
  config,
  async open({ config: { stream, file }, log }) {
    const failed = (error: Error) => log.warn("the log's stream failed", { error });
    const output =
      file === undefined
        ? streamOutput(stream === "stdout" ? process.stdout : process.stderr, failed)
        : await fileOutput(file);
    return {
      logentry: (entries, { signal }) => output.write(entries.map(logLine).join(""), signal),
      close: () => output.close(),
    };
  },
});
