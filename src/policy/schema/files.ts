import { DOOR_NAMES } from "../authored.ts";
import { definitions, expressions, names, rules, words } from "./collections.ts";
import { ATTRIBUTE_NAME, ATTRIBUTE_OR_KEY, KEBAB_NAME, METADATA_NAME, name } from "./names.ts";
import { map } from "./place.ts";
import { cel, duration, flag, integer, prose, word } from "./scalars.ts";

/** The four kinds of files, each with its keys. What stands in their lists is in `kinds.ts`. */

const MAX_USES = 2n ** 31n - 1n;

const cache = map("How long and how often a client may reuse an answer.", {
  for: duration("Longest time; `0s` is never.", "0s", "1d"),
  uses: integer("Most uses; 0 is never.", 0n, MAX_USES),
}).exactOptional();

const door = map("This door serves.", {}, { nothing: "empty" }).exactOptional();

export const FILES = {
  settings: map("weir.yaml: settings of the whole folder.", {
    unmatched: word("The answer where no rule applies.", ["deny", "allow"]).exactOptional(),
    doors: map("The doors that serve, and no others.", {
      weir: map(
        "The native API.",
        { requires: names("Attributes that every Check brings along.", ATTRIBUTE_NAME).exactOptional() },
        { nothing: "empty" },
      ).exactOptional(),
      "ext-authz": map(
        "Envoy's ext_authz over HTTP.",
        {
          jwt: name("Where verified claims stand in Envoy's metadata: `namespace/key`.", METADATA_NAME).exactOptional(),
        },
        { nothing: "empty" },
      ).exactOptional(),
      "ext-authz-tcp": door,
      "access-log": door,
    }).exactOptional(),
    peers: rules("Who may ask Weir from other machines, and no others.", "peers").exactOptional(),
    cache,
    "allow-empty": flag("A folder without policies is meant.").default(false),
    "path-params": word("What a `;` in a path segment does to `request.canonical_path`.", [
      "refuse",
      "keep",
    ]).exactOptional(),
    mask: names(
      "Attributes and map keys never shown in logs, recordings and metadata.",
      ATTRIBUTE_OR_KEY,
    ).exactOptional(),
  }),
  handlers: map("handlers.yaml: the adapters that policies use.", {
    handlers: rules("Adapters with their settings.", "handlers").exactOptional(),
  }),
  attributes: map("attributes.yaml: what requests are known by, beyond Weir's own vocabulary.", {
    attributes: rules("Attributes that the vocabulary lacks.", "attributes").exactOptional(),
    derive: expressions("Attributes computed from others, by name.", ATTRIBUTE_NAME).exactOptional(),
  }),
  policy: map("A policy.", {
    policy: name("Name of the policy, once in the folder.", KEBAB_NAME),
    description: prose("What the policy is for, in a sentence.").exactOptional(),
    doors: words("Its check and quota rules are evaluated only there.", DOOR_NAMES, "door").exactOptional(),
    when: cel("Condition of every rule of the policy.").exactOptional(),
    scope: word("Permits an allow without any condition.", ["all"]).exactOptional(),
    "raw-path": flag("Its rules mean the path as the client wrote it.").default(false),
    cache,
    define: definitions("Names for expressions and constants, for this policy.").exactOptional(),
    check: rules("Who may do what.", "check").exactOptional(),
    quota: rules("How much, how often.", "quota").exactOptional(),
    report: rules("What is counted, written and traced.", "report").exactOptional(),
  }),
} as const;
