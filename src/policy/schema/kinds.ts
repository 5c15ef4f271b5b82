import type * as z from "zod";
import { ATTRIBUTE_TYPES } from "../../attribute/type.ts";
import { DOOR_NAMES, GRANTS } from "../authored.ts";
import { buckets, config, expressions, names, texts, words } from "./collections.ts";
import {
  ATTRIBUTE_NAME,
  DIMENSION_NAME,
  HEADER_NAME,
  KEBAB_NAME,
  METRIC_NAME,
  name,
  PEER_NAME,
  VISIBLE_NAME,
} from "./names.ts";
import { map } from "./place.ts";
import { cel, duration, flag, integer, prose, text, word } from "./scalars.ts";

/**
 * Every kind of thing that stands in a list of some file, one row each: the key is the kind, its value the name. Validation, the JSON
 * Schema for editors and the suggestions are derived from these rows; to add a kind, add a row and say in `../read` what becomes of it.
 */

const MAX_INT64 = 2n ** 63n - 1n;
/** Records that one handler may hold in memory. */
const MAX_QUEUE_RECORDS = 10_000_000n;

const common = {
  description: prose("What the rule is for, in a sentence.").exactOptional(),
  when: cel("Condition; the rule speaks only where it is true.").exactOptional(),
};
const shadow = flag("Evaluated and counted, never enforced.").default(false);
const rawPath = flag("The rule means the path as the client wrote it.").default(false);
const unavailable = ["deny", "allow"] as const;

const respond = map("What a refused client gets.", {
  status: integer("HTTP status.", 300n, 599n).exactOptional(),
  headers: texts("Headers of the answer.", HEADER_NAME).exactOptional(),
  body: text("Body of the answer.").exactOptional(),
}).exactOptional();

const headers = {
  set: texts("Headers to set; whatever the client sent under these names is gone.", HEADER_NAME).exactOptional(),
  add: texts("Headers to add beside those that are there.", HEADER_NAME).exactOptional(),
  remove: names("Headers to remove.", HEADER_NAME).exactOptional(),
};

const query = map("Changes of query parameters; values are percent-encoded by Weir.", {
  set: texts("Parameters to set.", VISIBLE_NAME).exactOptional(),
  remove: names("Parameters to remove.", VISIBLE_NAME).exactOptional(),
});

const output = {
  ...common,
  of: word("What it is a report of.", ["request", "decision"]).exactOptional(),
  handlers: names("Who gets it, by names of `handlers.yaml`.", KEBAB_NAME, "handler"),
};

export const KINDS = {
  check: {
    allow: map("Permits the requests for which it is true.", {
      allow: name("Name of the rule.", KEBAB_NAME),
      ...common,
      shadow,
      "raw-path": rawPath,
    }),
    deny: map("Refuses the requests for which it is true, whatever allows them.", {
      deny: name("Name of the rule.", KEBAB_NAME),
      ...common,
      shadow,
      "raw-path": rawPath,
      respond,
    }),
    ask: map("Asks a handler whether it objects.", {
      ask: name("Name of the rule.", KEBAB_NAME),
      ...common,
      shadow,
      "raw-path": rawPath,
      handler: name("Who is asked, by a name of `handlers.yaml`.", KEBAB_NAME),
      value: cel("What the handler is asked about."),
      "on-unavailable": word("What happens when the handler cannot tell.", unavailable),
      respond,
    }),
    change: map("Changes headers and query parameters of requests that are allowed.", {
      change: name("Name of the rule.", KEBAB_NAME),
      ...common,
      shadow,
      "raw-path": rawPath,
      request: map("Changes of the request going up.", { ...headers, query: query.exactOptional() }).exactOptional(),
      response: map("Changes of the response coming down.", headers).exactOptional(),
      "keep-client-value": flag("Where nothing sets a header, what the client sent stays.").default(false),
      "allow-reserved": flag("Permits `x-envoy-*`, `x-forwarded-*` and `x-request-id`.").default(false),
    }),
  },
  quota: {
    limit: map("Lets at most `max` through in any `every`.", {
      limit: name("Name of the limit.", KEBAB_NAME),
      ...common,
      handler: name("Who counts, by a name of `handlers.yaml`.", KEBAB_NAME),
      max: integer("How much fits into `every`.", 1n, MAX_INT64),
      every: duration("The time that `max` is for, from 1s to 1y.", "1s", "1y"),
      algorithm: word("How it is counted.", ["rolling-window"], {
        later: ["token-bucket", "fixed-window"],
      }).exactOptional(),
      by: expressions("A counter of its own for each value of these.", VISIBLE_NAME).exactOptional(),
      cost: cel("How much one request takes; 1 when left out.").exactOptional(),
      "on-request": flag("Charged only when a native caller names it.").default(false),
      "on-unavailable": word("What happens when the handler cannot tell.", unavailable).exactOptional(),
      shadow,
      respond,
    }),
  },
  report: {
    metric: map("Counts or measures.", {
      metric: name("Name of the metric, exposed exactly so.", METRIC_NAME),
      ...output,
      kind: word("What the numbers mean.", ["counter", "gauge", "histogram"]).exactOptional(),
      buckets: buckets("Upper bounds of a histogram, ascending.").exactOptional(),
      unit: name("Unit of the value; adds no suffix to the name.", VISIBLE_NAME).exactOptional(),
      value: cel("What is counted or measured; 1 when left out.").exactOptional(),
      dimensions: expressions("A series of its own for each value of these.", DIMENSION_NAME).exactOptional(),
    }),
    logentry: map("Writes a line.", {
      logentry: name("Name of the rule.", KEBAB_NAME),
      ...output,
      severity: cel("A string, for example 'warning'.").exactOptional(),
      message: text("What the line says.").exactOptional(),
      variables: expressions("Fields of the line.", VISIBLE_NAME).exactOptional(),
    }),
    tracespan: map("Records a span of a trace.", {
      tracespan: name("Name of the rule.", KEBAB_NAME),
      ...output,
      name: text("Name of the span.").exactOptional(),
      attributes: expressions("Attributes of the span.", VISIBLE_NAME).exactOptional(),
    }),
  },
  peers: {
    peer: map("Who may ask Weir from another machine, and what.", {
      peer: name("A principal; `spiffe://shop/ns/web/*`, `*` and `anonymous` are several.", PEER_NAME),
      may: words("What it may do.", GRANTS, "grant"),
    }),
  },
  handlers: {
    handler: map("An adapter with its settings, under the name that policies use.", {
      handler: name("Name that policies use.", KEBAB_NAME),
      adapter: name("`prometheus` and its like, an npm package, or `./a/path`.", VISIBLE_NAME),
      config: config("The adapter's own settings.").exactOptional(),
      queue: map("What waits for a handler that gets reports.", {
        records: integer("How many records may wait.", 1n, MAX_QUEUE_RECORDS).exactOptional(),
        "on-full": word("Which record goes when the queue is full.", ["drop-oldest", "drop-newest"]).exactOptional(),
      }).exactOptional(),
    }),
  },
  attributes: {
    attribute: map("An attribute that Weir's own vocabulary lacks.", {
      attribute: name("Its name; never a prefix of another.", ATTRIBUTE_NAME),
      type: word("Its CEL type.", ATTRIBUTE_TYPES, { stopgap: "dyn" }),
      description: prose("What it is, in a sentence.").exactOptional(),
      doors: words("The doors that supply it.", DOOR_NAMES, "door").exactOptional(),
    }),
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, z.ZodType>>>>;

export type Section = keyof typeof KINDS;
/** The kinds of one section. */
export type KindOf<S extends Section> = keyof (typeof KINDS)[S] & string;
/** What is read from one rule of a kind. */
export type RuleOf<S extends Section, K extends KindOf<S>> = z.output<(typeof KINDS)[S][K] & z.ZodType>;
