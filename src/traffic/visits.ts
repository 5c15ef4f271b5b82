import { below, type Inside, isNothing, type MaskRules } from "./mask-rules.ts";
import { fieldsOf, fill, lastField, type Range, textOf, WIRE } from "./protobuf-walk.ts";

/** Masks, in place, what a part of a message must not show. */
export type Visit = (bytes: Buffer, range: Range, rules: MaskRules) => void;

/** A message whose fields are visited by their numbers. */
export function message(fields: Readonly<Record<number, Visit>>): Visit {
  return (bytes, range, rules) => {
    for (const field of fieldsOf(bytes, range)) {
      if (field.wireType === WIRE.bytes) fields[field.number]?.(bytes, field, rules);
    }
  };
}

/** One text or bytes that is the value of these attributes: masked when one of them is. */
export function value(...attributes: readonly string[]): Visit {
  return (bytes, range, rules) => {
    if (attributes.some((attribute) => rules.hides(attribute))) fill(bytes, range);
  };
}

/** One entry of a map from text to text: key 1, value 2. */
export function textEntry(attribute: string): Visit {
  return (bytes, range, rules) => {
    const fields = fieldsOf(bytes, range);
    const key = textOf(bytes, lastField(fields, 1));
    if (!rules.hides(attribute, key)) return;
    for (const field of fields) if (field.number === 2) fill(bytes, field);
  };
}

/** Headers that Envoy or the vocabulary has under other names as well. */
const SAME_AS_HEADER: Readonly<Record<string, string>> = {
  referer: "request.referer",
  "user-agent": "request.useragent",
  "x-request-id": "request.id",
  ":authority": "request.host",
  host: "request.host",
  ":method": "request.method",
  ":scheme": "request.scheme",
};

/** Headers whose value is the target of a request, with its query. */
const TARGETS: ReadonlySet<string> = new Set([":path", "x-envoy-original-path", "referer"]);

/** One header: key 1, value 2, and as Envoy's raw headers have it 3. */
export function header(attribute: "request.headers" | "response.headers" | "response.trailers"): Visit {
  return (bytes, range, rules) => {
    const fields = fieldsOf(bytes, range);
    const name = textOf(bytes, lastField(fields, 1)).toLowerCase();
    const values = fields.filter((field) => field.number === 2 || field.number === 3);
    const same = attribute === "request.headers" ? SAME_AS_HEADER[name] : undefined;
    const hidden = rules.hides(attribute, name) || (same !== undefined && rules.hides(same));
    for (const field of values) {
      if (hidden) fill(bytes, field);
      else if (attribute === "request.headers" && TARGETS.has(name)) target(bytes, field, rules);
    }
  };
}

const QUESTION_MARK = "?".charCodeAt(0);
const AMPERSAND = "&".charCodeAt(0);
const EQUALS = "=".charCodeAt(0);

/** A path with its query: as a whole, in part, or the values of named query parameters. */
export const target: Visit = (bytes, range, rules) => {
  if (rules.hides("request.path") || rules.hides("request.upstream_path")) return fill(bytes, range);
  const mark = bytes.subarray(range.start, range.end).indexOf(QUESTION_MARK);
  const cut = mark < 0 ? range.end : range.start + mark;
  if (rules.hides("request.url_path") || rules.hides("request.canonical_path"))
    fill(bytes, { start: range.start, end: cut });
  if (cut < range.end) query(bytes, { start: cut + 1, end: range.end }, rules);
};

/** A query without its `?`. */
export const query: Visit = (bytes, range, rules) => {
  if (rules.hides("request.query") || rules.hides("request.path")) return fill(bytes, range);
  const hidden = new Set(rules.queryParameters());
  if (hidden.size === 0) return;
  for (let at = range.start; at < range.end; ) {
    const found = bytes.subarray(at, range.end).indexOf(AMPERSAND);
    const end = found < 0 ? range.end : at + found;
    const equals = bytes.subarray(at, end).indexOf(EQUALS);
    const name = decoded(bytes.toString("utf8", at, equals < 0 ? end : at + equals));
    if (equals >= 0 && hidden.has(name)) fill(bytes, { start: at + equals + 1, end });
    at = end + 1;
  }
};

/** As an application would read the name: `%74oken` is `token`. What is no escape stays as it is. */
function decoded(name: string): string {
  const bytes = name
    .replaceAll("+", " ")
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8") === bytes
    ? bytes
    : Buffer.from(bytes, "latin1").toString("utf8");
}

/** An address: of a socket 1 the text 2, of a pipe 2 its path 1. */
export function address(attribute: string): Visit {
  return message({ 1: message({ 2: value(attribute) }), 2: message({ 1: value(attribute) }) });
}

/** One entry of Envoy's metadata: namespace 1, struct 2. Claims of a verified token stand in one of them. */
export function metadataEntry(attribute: string): Visit {
  return (bytes, range, rules) => {
    const fields = fieldsOf(bytes, range);
    const namespace = textOf(bytes, lastField(fields, 1));
    const inside = below(rules.inside(attribute), namespace);
    for (const field of fields) {
      if (field.number !== 2) continue;
      struct(bytes, field, inside);
      if (rules.jwt?.namespace === namespace) struct(bytes, field, claimsAt(rules.jwt.key, rules.claims()));
    }
  };
}

/** The claims are one value of the namespace, by its key. */
function claimsAt(key: string, claims: Inside): Inside {
  return claims === "all" ? [key] : claims.map((claim) => `${key}.${claim}`);
}

/** google.protobuf.Struct: entries 1 of key 1 and value 2. */
function struct(bytes: Buffer, range: Range, inside: Inside): void {
  if (isNothing(inside)) return;
  for (const entry of fieldsOf(bytes, range)) {
    if (entry.number !== 1 || entry.wireType !== WIRE.bytes) continue;
    const fields = fieldsOf(bytes, entry);
    const left = below(inside, textOf(bytes, lastField(fields, 1)));
    if (isNothing(left)) continue;
    for (const field of fields) if (field.number === 2) structValue(bytes, field, left);
  }
}

/** google.protobuf.Value: number 2, text 3, truth 4, struct 5, list 6 of values 1. Truth is one byte and stays one. */
function structValue(bytes: Buffer, range: Range, inside: Inside): void {
  for (const field of fieldsOf(bytes, range)) {
    if (field.number === 5) struct(bytes, field, inside);
    else if (inside !== "all") continue;
    else if (field.number === 6) {
      for (const item of fieldsOf(bytes, field)) if (item.number === 1) structValue(bytes, item, inside);
    } else fill(bytes, field);
  }
}
