import type { Diagnostic, Span } from "../../diagnostics/diagnostic.ts";
import {
  badAttributeName,
  badDefinitionName,
  badHeaderName,
  badMetadataPlace,
  badMetricName,
  badName,
  badPeer,
  reservedDimension,
  reservedName,
  unprintableName,
} from "../../diagnostics/messages/schema.ts";
import { parseSpiffeId } from "../../expression/index.ts";
import type { Located } from "../authored.ts";
import { place, Refused } from "./place.ts";
import { noName, readPlainText } from "./scalars.ts";

/** A way to spell names: its pattern, for editors, and what is wrong with a name that breaks it. */
export interface Spelling {
  readonly pattern?: RegExp;
  readonly example: string;
  /** What a value of another type is told to be: `a name`. */
  readonly expected: string;
  wrong(name: string, span: Span): Diagnostic | undefined;
}

const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const METRIC = /^[a-z_][a-z0-9_]*$/;
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;
const ATTRIBUTE = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/;
/** RFC 9110's token; a pseudo-header's colon is let through to the load rules, which have their own words for it. */
const HEADER = /^:?[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const METADATA_PLACE = /^[^/\s][^\s]*\/[^/\s]+$/;
/** A URI and everything below it. */
const BELOW = /^[a-z][a-z0-9+.-]*:\/\/[^/].*\/\*$/;
const VISIBLE = /^[^\p{Cc}]+$/u;

/** Words that CEL's grammar takes for itself. */
const CEL_WORDS: ReadonlySet<string> = new Set(
  "as break const continue else false for function if import in let loop namespace null package return true var void while".split(
    " ",
  ),
);

/** Of those, the ones that cannot stand behind a dot either: `destination.namespace` can. */
const CEL_KEYWORDS: ReadonlySet<string> = new Set(["false", "in", "null", "true"]);

/** Policies, rules, limits, handlers: `frozen-accounts`. */
export const KEBAB_NAME: Spelling = {
  pattern: KEBAB,
  example: "a-name",
  expected: "a name",
  wrong: (name, span) => (KEBAB.test(name) ? undefined : badName(span, name, respelled(name, "-", KEBAB))),
};

/** Metrics and their dimensions are exposed exactly so. */
export const METRIC_NAME: Spelling = {
  pattern: METRIC,
  example: "requests_total",
  expected: "a name",
  wrong: (name, span) => (METRIC.test(name) ? undefined : badMetricName(span, name, respelled(name, "_", METRIC))),
};

export const DIMENSION_NAME: Spelling = {
  pattern: IDENTIFIER,
  example: "method",
  expected: "a name",
  wrong(name, span) {
    if (!IDENTIFIER.test(name)) return badMetricName(span, name, respelled(name, "_", METRIC));
    return name.startsWith("__") || name === "le" || name === "quantile" ? reservedDimension(span, name) : undefined;
  },
};

export const DEFINITION_NAME: Spelling = {
  pattern: IDENTIFIER,
  example: "is_admin",
  expected: "a name",
  wrong(name, span) {
    if (!IDENTIFIER.test(name)) return badDefinitionName(span, name, respelled(name, "_", IDENTIFIER));
    return CEL_WORDS.has(name) ? reservedName(span, name) : undefined;
  },
};

export const ATTRIBUTE_NAME: Spelling = {
  pattern: ATTRIBUTE,
  example: "order.total",
  expected: "the name of an attribute",
  wrong(name, span) {
    if (!ATTRIBUTE.test(name)) return badAttributeName(span, name);
    const reserved = name.split(".").find((part, index) => (index === 0 ? CEL_WORDS : CEL_KEYWORDS).has(part));
    return reserved === undefined ? undefined : reservedName(span, reserved);
  },
};

/** An attribute, or one key of a map attribute, whose name may be anything: `request.headers.x-api-key`. */
export const ATTRIBUTE_OR_KEY: Spelling = {
  example: "request.headers.cookie",
  expected: "the name of an attribute",
  wrong(name, span) {
    const [first = "", second = ""] = name.split(".", 2);
    const looksRight = IDENTIFIER.test(first) && (!name.includes(".") || second !== "") && !/[\s"'[\]]/.test(name);
    return looksRight && !name.endsWith(".") ? undefined : badAttributeName(span, name);
  },
};

export const HEADER_NAME: Spelling = {
  pattern: HEADER,
  example: "x-version",
  expected: "the name of a header",
  wrong: (name, span) => (HEADER.test(name) ? undefined : badHeaderName(span, name)),
};

export const METADATA_NAME: Spelling = {
  pattern: METADATA_PLACE,
  example: "envoy.filters.http.jwt_authn/jwt",
  expected: "a place in metadata",
  wrong: (name, span) => (METADATA_PLACE.test(name) ? undefined : badMetadataPlace(span, name)),
};

/** A peer's principal, or several: `spiffe://shop/ns/web/*`, `*`, `anonymous`. */
export const PEER_NAME: Spelling = {
  example: "spiffe://shop/ns/web/sa/storefront",
  expected: "the name of a peer",
  wrong(name, span) {
    if (!VISIBLE.test(name)) return unprintableName(span);
    return mayBePeer(name) ? undefined : badPeer(span, name);
  },
};

/** A `*` stands alone, or for everything below a path. Of SPIFFE IDs we know what they look like; of other names too little. */
function mayBePeer(name: string): boolean {
  if (name === "*") return true;
  const stem = BELOW.test(name) ? name.slice(0, -"/*".length) : name;
  if (stem.includes("*") || stem !== stem.trim()) return false;
  return !/^spiffe:/i.test(stem) || parseSpiffeId(stem) !== undefined;
}

/** Query parameters, log variables, span attributes, adapters: whatever can be seen. */
export const VISIBLE_NAME: Spelling = {
  example: "…",
  expected: "a name",
  wrong: (name, span) => (VISIBLE.test(name) ? undefined : unprintableName(span)),
};

/** A place that holds a name. */
export function name(description: string, spelling: Spelling) {
  const { pattern, example } = spelling;
  return place<Located<string>>({
    json: { type: "string", ...(pattern === undefined ? { minLength: 1 } : { pattern: pattern.source }), description },
    example,
    read(node) {
      const written = readPlainText(node, spelling.expected);
      if (written instanceof Refused) return written;
      const wrong = misspelt(spelling, written);
      return wrong === undefined ? written : new Refused([wrong], written, { harmless: true });
    },
    stopgap: noName,
  });
}

/** @returns what is wrong with a name, undefined when it is spelled as it should be. */
export function misspelt(spelling: Spelling, { value, span }: Located<string>): Diagnostic | undefined {
  return value === "" ? unprintableName(span) : spelling.wrong(value, span);
}

/** `Frozen Accounts` → `frozen-accounts`, `Büros` → `buros`, when that helps. */
function respelled(written: string, joint: "-" | "_", pattern: RegExp): string | undefined {
  const words = written
    .replaceAll("ß", "ss")
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  const suggestion = words.filter((each) => each !== "").join(joint);
  return pattern.test(suggestion) && suggestion !== written ? suggestion : undefined;
}
