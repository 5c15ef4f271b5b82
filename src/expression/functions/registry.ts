import { CONVERSIONS } from "./conversions.ts";
import { ENCODERS } from "./encoders.ts";
import type { FunctionRow } from "./function-row.ts";
import { LISTS } from "./lists.ts";
import { MATH } from "./math.ts";
import { NETWORK } from "./network.ts";
import { OPERATORS } from "./operators.ts";
import { OPTIONALS } from "./optionals.ts";
import { REGEX } from "./regex.ts";
import { SETS } from "./sets.ts";
import { type Overload, parseSignature } from "./signature.ts";
import { STRINGS_EXTENSION } from "./strings-extension.ts";
import { TEXTS_AND_LISTS } from "./texts-and-lists.ts";
import { TIMES } from "./times.ts";
import { WEIR } from "./weir.ts";

/** Functions and operators of one kind: a section of docs/cel.md. */
export interface Library {
  readonly title: string;
  /** Expressions that are true, as the page shows them. */
  readonly examples: readonly string[];
  readonly rows: readonly FunctionRow[];
}

/** Every function and operator there is, in the order of docs/cel.md. What is not here does not exist. */
export const LIBRARIES: readonly Library[] = [
  {
    title: "What Weir adds",
    examples: [
      'request.headers.get("x-role", "guest") == "admin"',
      '"gzip" in request.headers.values("accept-encoding")',
      'request.auth.subject.orDefault("") == ""',
      'bucket(source.address, "new-checkout") < 100',
      'spiffe.namespace(source.principal) == "web"',
      'request.canonical_path.glob("/users/*/orders")',
    ],
    rows: WEIR,
  },
  {
    title: "Operators",
    examples: [
      'request.method in ["GET", "HEAD"] && request.size <= 1024',
      '"x-debug" in request.headers ? request.size < 100 : true',
      'request.time - duration("1h") < request.time',
      "-7 / 2 == -3 && -7 % 2 == -1",
    ],
    rows: OPERATORS,
  },
  {
    title: "Texts and lists",
    examples: [
      'request.canonical_path.startsWith("/users/")',
      'request.headers["user-agent"].matches("^curl/[0-9]+")',
      'size("naïve") == 5',
    ],
    rows: TEXTS_AND_LISTS,
  },
  {
    title: "Strings",
    examples: [
      'request.canonical_path.split("/")[2] == "42"',
      '"a-b".replace("-", "_").upperAscii() == "A_B"',
      '"%s: %.1f %%".format(["load", 12.34]) == "load: 12.3 %"',
    ],
    rows: STRINGS_EXTENSION,
  },
  {
    title: "Times",
    examples: [
      'request.time.getHours("Europe/Paris") in [8, 9, 10]',
      "request.time.getDayOfWeek() in [1, 2, 3, 4, 5]",
      'duration("90m").getMinutes() == 90',
    ],
    rows: TIMES,
  },
  {
    title: "Addresses and networks",
    examples: ['cidr("10.0.0.0/8").containsIP(source.address)', "ip(source.address).family() == 4"],
    rows: NETWORK,
  },
  {
    title: "Regular expressions",
    examples: [
      'regex.extract(request.canonical_path, "^/users/([0-9]+)/") == optional.of("42")',
      'regex.replace("2026-01-31", "([0-9]+)-([0-9]+)-.*", "\\\\2/\\\\1") == "01/2026"',
    ],
    rows: REGEX,
  },
  {
    title: "Conversions",
    examples: [
      'int(request.headers["content-length"]) <= 1024',
      'timestamp("2026-01-31T12:00:00Z") > timestamp(0)',
      "type(request.size) == int",
    ],
    rows: CONVERSIONS,
  },
  {
    title: "Optionals",
    examples: [
      'request.auth.claims.?plan.orValue("free") == "free"',
      'request.headers[?"x-role"].hasValue()',
      "[1, 2][?5].or(optional.of(0)).value() == 0",
    ],
    rows: OPTIONALS,
  },
  {
    title: "Lists",
    examples: [
      'request.auth.claims.groups.hasAny(["ops", "sre"])',
      "[3, 1, 2, 1].distinct().sort() == [1, 2, 3]",
      "[[1], [2, 3]].flatten().slice(1, 3) == [2, 3]",
    ],
    rows: LISTS,
  },
  { title: "Sets", examples: ['sets.contains(["dev", "ops"], request.auth.claims.groups)'], rows: SETS },
  {
    title: "Math",
    examples: ["math.greatest(1, 2.5, 2u) == 2.5", "math.abs(-3) == 3", "math.round(2.5) == 3.0"],
    rows: MATH,
  },
  {
    title: "Encoders",
    examples: [
      'base64.encode(b"weir") == "d2Vpcg=="',
      'json.parse("{\\"a\\": [1]}").a[0] == optional.of(1)',
      'json.encode({"a": [1, true]}) == "{\\"a\\":[1,true]}"',
    ],
    rows: ENCODERS,
  },
];

export const FUNCTIONS: readonly FunctionRow[] = LIBRARIES.flatMap(({ rows }) => rows);

const BY_NAME: ReadonlyMap<string, FunctionRow> = new Map(FUNCTIONS.map((row) => [row.name, row]));

const OVERLOADS: ReadonlyMap<string, readonly Overload[]> = new Map(
  FUNCTIONS.map((row) => [row.name, row.signatures.map((text) => parseSignature(row.name, text))]),
);

export function functionNamed(name: string): FunctionRow | undefined {
  return BY_NAME.get(name);
}

/** @returns the overloads of a function or operator, none for a name that is not known. */
export function overloadsOf(name: string): readonly Overload[] {
  return OVERLOADS.get(name) ?? [];
}

/** @returns whether a function is an operator, which has signs and no name to be called by. */
export function isOperator(row: FunctionRow): boolean {
  return /[^\w.@]/.test(row.name) || row.name.startsWith("_");
}
