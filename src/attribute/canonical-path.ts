import { Invalid } from "./value.ts";

export interface PathOptions {
  /** What to make of a `;` in a segment: servlet containers drop what follows it, others do not. */
  readonly pathParams: "refuse" | "keep";
  /** `*` is a path for OPTIONS only. */
  readonly method?: string;
}

/**
 * The one meaning of a request's path: query cut, percent-decoded once, slashes merged, dots resolved; case and a trailing slash kept.
 * A path that two servers could understand differently has no meaning, so that no rule can be led around it.
 *
 * @param path as the client sent it, with its query.
 * @returns the canonical path, or why there is none. A canonical path is its own canonical path.
 */
export function canonicalPath(path: string, { pathParams, method }: PathOptions): string | Invalid {
  if (path === "*" && method === "OPTIONS") return path;
  const query = path.indexOf("?");
  const raw = query < 0 ? path : path.slice(0, query);
  if (!raw.startsWith("/")) return new Invalid("the path does not begin with `/`");
  if (isPlain(raw)) return raw;
  const decoded = decode(raw);
  return decoded instanceof Invalid ? decoded : resolve(decoded, pathParams);
}

const SLASH = 0x2f;
const DOT = 0x2e;
const DELETE = 0x7f;
/** `%`, `;`, `\`, `#`: everything that is looked at further. */
const SPECIAL: ReadonlySet<number> = new Set([0x25, 0x3b, 0x5c, 0x23]);

/** Nearly every path is its own canonical path: one look at each character says so. */
function isPlain(path: string): boolean {
  let before = 0;
  for (let at = 0; at < path.length; at++) {
    const unit = path.charCodeAt(at);
    if (unit <= 0x20 || unit >= DELETE || SPECIAL.has(unit)) return false;
    if (before === SLASH && (unit === SLASH || unit === DOT)) return false;
    before = unit;
  }
  return true;
}

const ESCAPES = /(?:%[0-9A-Fa-f]{2})+/g;
/** What must not hide behind an escape: separators, escapes of escapes, the end of a C string. */
const AMBIGUOUS = /%(2f|5c|25|00|3f|23|3b)/i;
const CONTROL = /\p{Cc}/u;
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decode(raw: string): string | Invalid {
  if (!raw.isWellFormed()) return new Invalid("the path holds bytes that are not UTF-8");
  if (raw.includes("\\")) return new Invalid("the path holds a `\\`");
  if (raw.includes("#")) return new Invalid("the path holds a `#`");
  const ambiguous = AMBIGUOUS.exec(raw);
  if (ambiguous) return new Invalid(`the path holds \`${ambiguous[0]}\`, which servers understand differently`);
  if (raw.replaceAll(ESCAPES, "").includes("%"))
    return new Invalid("the path holds a `%` without two hexadecimal digits");
  const decoded = decodeEscapes(raw);
  if (decoded === undefined) return new Invalid("the escapes of the path are not UTF-8");
  return CONTROL.test(decoded) ? new Invalid("the path holds a control character") : decoded;
}

/** @returns undefined where escapes do not make whole characters. */
function decodeEscapes(raw: string): string | undefined {
  let decoded = "";
  let from = 0;
  for (const { 0: escapes, index } of raw.matchAll(ESCAPES)) {
    const text = utf8(Buffer.from(escapes.replaceAll("%", ""), "hex"));
    if (text === undefined) return undefined;
    decoded += raw.slice(from, index) + text;
    from = index + escapes.length;
  }
  return decoded + raw.slice(from);
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    // The decoder's only way to say that bytes are not UTF-8.
    return undefined;
  }
}

function resolve(decoded: string, pathParams: PathOptions["pathParams"]): string | Invalid {
  const kept: string[] = [];
  const segments = decoded.split("/").slice(1);
  for (const segment of segments) {
    const invalid = badParameters(segment, pathParams);
    if (invalid) return invalid;
    if (segment === "..") {
      if (kept.pop() === undefined) return new Invalid("the path goes above its root");
    } else if (segment !== "" && segment !== ".") kept.push(segment);
  }
  const last = segments.at(-1);
  const directory = kept.length > 0 && (last === "" || last === "." || last === "..");
  return `/${kept.join("/")}${directory ? "/" : ""}`;
}

function badParameters(segment: string, pathParams: PathOptions["pathParams"]): Invalid | undefined {
  const end = segment.indexOf(";");
  if (end < 0) return undefined;
  const name = segment.slice(0, end);
  // A container that drops the parameters would climb here, whatever the operator allows.
  if (name === "." || name === "..") return new Invalid(`the path holds a segment \`${name};…\``);
  return pathParams === "keep" ? undefined : new Invalid("the path holds a `;`");
}
