import type { Invalid } from "../attribute/value.ts";

/**
 * Kinds of errors, in words that do not depend on who evaluates: `weir eval --batch` says which one an error is. Each has the reasons that
 * errors of the expression room give; `…` at the end of one stands for whatever comes then. A new reason needs its place here.
 */
const CATEGORIES = {
  // A key that a map does not have is absent and no error.
  "no such key": ["a field or element of what is neither map nor list"],
  "no such overload": [
    "no such operation for values of these types",
    "not a bool where true or false is needed",
    "neither a list nor a map to walk through",
    "an element or entry written with ? needs an optional",
    "a map key is bool, int, uint or string",
    "no map where entries of one are needed",
    "not a map",
    "not a text under this name",
    "join of what is no text",
  ],
  "invalid conversion": [
    "not one of the texts that bool() reads",
    "not the text of an integer, or one beyond 64 bits",
    "not the text of a number, or one too large",
    "not a timestamp as RFC 3339 writes it, such as 2026-01-31T12:00:00Z",
    "not a duration such as 1h30m or 250ms",
    "not an IP address such as 10.0.0.1 or 2001:db8::1",
    "not a network such as 10.0.0.0/8 or 2001:db8::/32",
  ],
  overflow: ["integer overflow", "timestamp outside of the years 1 to 9999"],
  "index out of range": ["index out of range"],
  "invalid index type": ["a list is indexed by whole numbers", "neither a key of a map nor an index of a list"],
  "divide by zero": ["division by zero"],
  "invalid time": ["no such time zone: name one such as Europe/Paris, or an offset such as +02:00"],
  "invalid utf-8": ["not UTF-8"],
  "invalid argument": [
    "a list cannot be flattened by a negative number of levels",
    "a list cannot have a negative number of elements",
    "lists.range makes at most …",
    "values of these types have no order",
    "values of different types cannot be sorted",
    "an empty list has no greatest and no least number",
    "bits cannot be shifted by a negative number of places",
    "not a format text",
    "a format text that shows more values than there are",
    "a value that its format clause does not show",
  ],
  "invalid regex": [
    "not a regular expression: …",
    "a pattern that is too large",
    "a pattern with more than one group, where one at most can be taken",
    "a replacement names a group that the pattern does not have",
    "a replacement in which a backslash is followed by neither a digit nor a backslash",
  ],
  "invalid base64": ["not Base64"],
  "invalid json": [
    "JSON has neither NaN nor infinite numbers",
    "lists and objects of a JSON text are nested more than …",
    "a number of a JSON text is too large",
    "optional.none() has no JSON form",
    "a value of this type has no JSON form",
  ],
  "NaN not ordered": ["NaN is neither greater nor less than a number"],
  "optional none": ["optional.none() has no value"],
  "duplicate key": ["the same key twice in one map"],
  "cost limit": ["cost limit"],
  other: ["derived attributes need each other too deeply"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** Those of errors, and of what is not there. */
export type Category = keyof typeof CATEGORIES | "modulus by zero" | "no such attribute";

// The keys are the categories.
const ROWS = (Object.keys(CATEGORIES) as (keyof typeof CATEGORIES)[]).flatMap((category) =>
  CATEGORIES[category].map((reason: string) => ({ category, reason })),
);
const EXACT: ReadonlyMap<string, Category> = new Map(ROWS.map(({ category, reason }) => [reason, category]));
const BEGINNINGS = ROWS.filter(({ reason }) => reason.endsWith("…")).map(({ category, reason }) => ({
  category,
  beginning: reason.slice(0, -1),
}));

/** @returns the category of an error, undefined for a reason that has no place in the table. */
export function knownCategory(reason: string): Category | undefined {
  return EXACT.get(reason) ?? BEGINNINGS.find(({ beginning }) => reason.startsWith(beginning))?.category;
}

/** @param operation the function or operator that failed, where that is known: `_%_`. */
export function categoryOf({ reason }: Invalid, operation?: string): Category {
  const category = knownCategory(reason) ?? "other";
  return category === "divide by zero" && operation === "_%_" ? "modulus by zero" : category;
}
