import { formatTime, type Json, type LogEntry, toJson } from "weir-mesh/adapter";

/**
 * One entry as one line of JSON, line end included. Whatever a client puts into a value, it stays inside its string: line ends and control
 * characters are escaped, also those that JSON leaves alone and terminals and line readers do not.
 */
export function logLine(entry: LogEntry): string {
  const line: Json = {
    time: formatTime(entry.timeNanos),
    severity: entry.severity,
    rule: entry.rule,
    message: entry.message,
    variables: variables(entry),
  };
  return `${JSON.stringify(line).replace(UNSAFE, escaped)}\n`;
}

function variables(entry: LogEntry): Json {
  const shown: Record<string, Json> = Object.create(null);
  for (const [name, value] of Object.entries(entry.variables)) shown[name] = toJson(value);
  return shown;
}

/** DEL, the C1 controls (U+009B begins an escape sequence), and Unicode's line and paragraph separators. */
const UNSAFE = /[\u007f-\u009f\u2028\u2029]/g;

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
