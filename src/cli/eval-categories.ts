import type { Invalid } from "../attribute/value.ts";

/** Kinds of errors, in words that do not depend on who evaluates: `weir eval --batch` says which one an error is. */
const CATEGORIES = {
  // Beside keys that a map does not have.
  "no such key": ["a field or element of what is neither map nor list"],
  "no such overload": [
    "no such operation for values of these types",
    "not a bool where true or false is needed",
    "neither a list nor a map to walk through",
    "an element or entry written with ? needs an optional",
    "a map key is bool, int, uint or string",
    "no map where entries of one are needed",
    "values of these types have no order",
    "not a map",
    "not a text under this name",
  ],
  "invalid conversion": [
    "not one of the texts that bool() reads",
    "not the text of an integer, or one beyond 64 bits",
    "not the text of a number, or one too large",
    "not a timestamp as RFC 3339 writes it, such as 2026-01-31T12:00:00Z",
    "not a duration such as 1h30m or 250ms",
  ],
  overflow: ["integer overflow", "timestamp outside of the years 1 to 9999"],
  "index out of range": ["index out of range"],
  "invalid index type": ["a list is indexed by whole numbers"],
  "divide by zero": ["division by zero"],
  "modulus by zero": ["modulus by zero"],
  "invalid time": ["no such time zone: name one such as Europe/Paris, or an offset such as +02:00"],
  "invalid utf-8": ["not UTF-8"],
  "invalid argument": [
    "a list cannot be flattened by a negative number of levels",
    "a list cannot have a negative number of elements",
    "values of different types cannot be sorted",
    "bits cannot be shifted by a negative number of places",
    "not a format text",
    "a format text that shows more values than there are",
    "a value that its format clause does not show",
  ],
  "NaN not ordered": ["NaN is neither greater nor less than a number"],
  "optional none": ["optional.none() has no value"],
  "duplicate key": ["the same key twice in one map"],
  "cost limit": ["cost limit"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** What none of the above is, and what has no value because something is not there. */
export type Category = keyof typeof CATEGORIES | "no such attribute" | "other";

const BY_REASON: ReadonlyMap<string, Category> = new Map(
  // The keys are the categories.
  (Object.keys(CATEGORIES) as (keyof typeof CATEGORIES)[]).flatMap((category) =>
    CATEGORIES[category].map((reason) => [reason, category] as const),
  ),
);

export function categoryOf({ reason }: Invalid): Category {
  return BY_REASON.get(reason) ?? "other";
}
