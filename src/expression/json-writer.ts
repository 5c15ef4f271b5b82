import {
  ABSENT,
  type CelMap,
  type CelValue,
  Duration,
  Invalid,
  Optional,
  Timestamp,
  Uint,
} from "../attribute/value.ts";
import { toText } from "./strings.ts";
import { invalid, isList, isMap } from "./values.ts";

const NOT_FINITE = invalid("JSON has neither NaN nor infinite numbers", "invalid json");
const NO_VALUE = invalid("optional.none() has no JSON form", "invalid json");
const NO_FORM = invalid("a value of this type has no JSON form", "invalid json");

/**
 * @returns a value as a JSON text without spaces, as cel-go writes it: ints and uints that a double cannot hold are texts, bytes are
 * Base64, times and durations what `string()` makes of them, keys of a map texts, here in order. Error for what has no JSON form.
 */
export function writeJson(value: CelValue): string | Invalid {
  switch (typeof value) {
    case "string":
      return quote(value);
    case "boolean":
      return String(value);
    case "bigint":
      return writeInteger(value);
    case "number":
      return writeDouble(value);
    default:
      return writeObject(value);
  }
}

function writeInteger(value: bigint): string {
  const isExact = value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER;
  return isExact ? value.toString() : `"${value}"`;
}

function writeDouble(value: number): string | Invalid {
  if (!Number.isFinite(value)) return NOT_FINITE;
  return Object.is(value, -0) ? "-0" : String(value);
}

function writeObject(value: CelValue & (object | null)): string | Invalid {
  if (value === null) return "null";
  if (value instanceof Uint) return writeInteger(value.value);
  if (value instanceof Uint8Array) {
    return `"${Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64")}"`;
  }
  if (value instanceof Optional) return value.value === ABSENT ? NO_VALUE : writeJson(value.value);
  if (isMap(value)) return writeMap(value);
  if (isList(value)) return writeAll(value, writeJson, (items) => `[${items.join()}]`);
  return value instanceof Timestamp || value instanceof Duration ? writeText(toText(value)) : NO_FORM;
}

function writeText(text: string | Invalid): string | Invalid {
  return text instanceof Invalid ? text : quote(text);
}

/** In the order of the keys: that of the map may depend on who sent the request. */
function writeMap(map: CelMap): string | Invalid {
  return writeAll([...map], writeEntry, (entries) => `{${entries.sort().join()}}`);
}

function writeEntry([key, value]: readonly [CelValue, CelValue]): string | Invalid {
  const name = typeof key === "string" ? key : writeJson(key);
  const written = writeJson(value);
  if (name instanceof Invalid) return name;
  return written instanceof Invalid ? written : `${quoteKey(name)}:${written}`;
}

function writeAll<T>(
  items: readonly T[],
  write: (item: T) => string | Invalid,
  join: (written: string[]) => string,
): string | Invalid {
  const written: string[] = [];
  for (const item of items) {
    const text = write(item);
    if (text instanceof Invalid) return text;
    written.push(text);
  }
  return join(written);
}

/** UTF-8 bytes below which cel-go has another way to write a text that needs no escapes. */
const SHORT = 128;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON has them escaped only
const ESCAPED = /["\\<>&\u0000-\u001f]/;
/** What Go takes for not printable. */
const INVISIBLE = /(?! )[\p{C}\p{Z}]/gu;

/** As cel-go: of a short text without escapes what cannot be seen is escaped, a joiner within an emoji say; otherwise only what must be. */
function quote(text: string): string {
  if (ESCAPED.test(text) || text.length >= SHORT || Buffer.byteLength(text) >= SHORT) return quoteKey(text);
  return `"${text.replace(INVISIBLE, escapeUnits)}"`;
}

/** Also what could end a script in HTML. */
function quoteKey(text: string): string {
  return JSON.stringify(text)
    .replaceAll("<", "\\u003c")
    .replaceAll(">", "\\u003e")
    .replaceAll("&", "\\u0026")
    .replaceAll("\u2028", "\\u2028")
    .replaceAll("\u2029", "\\u2029");
}

function escapeUnits(text: string): string {
  let escaped = "";
  for (let index = 0; index < text.length; index++) {
    escaped += `\\u${text.charCodeAt(index).toString(16).padStart(4, "0")}`;
  }
  return escaped;
}
