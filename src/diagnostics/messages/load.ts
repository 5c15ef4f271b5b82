import type { Diagnostic, Severity, Span } from "../diagnostic.ts";

/** P13xx: what a folder means as a whole — names, doors, and the rules under which a policy is too dangerous to serve. */

function make(severity: Severity, code: string, span: Span, message: string, help: string | undefined): Diagnostic {
  return { severity, code, message, span, ...(help === undefined ? {} : { help }) };
}

function meant(suggestion: string | undefined, otherwise: string): string {
  return suggestion === undefined ? otherwise : `did you mean \`${suggestion}\`?`;
}

/** P1301: a rule names a handler that `handlers.yaml` does not declare. */
export function unknownHandler(span: Span, name: string, suggestion: string | undefined): Diagnostic {
  const help = meant(suggestion, "declare it in `handlers.yaml` with `- handler:` and `adapter:`");
  return make("error", "P1301", span, `unknown handler \`${name}\``, help);
}

/** P1302: a setting names an attribute that does not exist. */
export function unknownAttributeName(span: Span, name: string, suggestion: string | undefined): Diagnostic {
  const help = meant(suggestion, "see docs/attributes.md for the names there are, or declare it in `attributes.yaml`");
  return make("error", "P1302", span, `unknown attribute \`${name}\``, help);
}

/** P1303: `attributes.yaml` declares a name that Weir already has. */
export function attributeExists(span: Span, name: string): Diagnostic {
  return make(
    "error",
    "P1303",
    span,
    `attribute \`${name}\` is part of Weir's vocabulary`,
    "choose another name, or give it a value under `derive:`",
  );
}

/** P1304: an attribute would be a prefix of another, so a dotted name would have two meanings. */
export function attributePrefix(span: Span, name: string, other: string): Diagnostic {
  const help = "an attribute is never a prefix of another; choose a name beside it";
  return make("error", "P1304", span, `attribute \`${name}\` and attribute \`${other}\` cannot both exist`, help);
}

/** P1305: the value of a derived attribute has another type than the vocabulary gives it. */
export function derivedType(span: Span, name: string, declared: string, found: string): Diagnostic {
  const help = `convert it, for example with \`${declared}(…)\``;
  return make(
    "error",
    "P1305",
    span,
    `\`${name}\` is ${declared} in the vocabulary, and this expression is ${found}`,
    help,
  );
}

/** P1306: derived attributes or definitions that need each other. */
export function cycle(span: Span, names: readonly string[]): Diagnostic {
  const path = names.map((name) => `\`${name}\``).join(" → ");
  return make("error", "P1306", span, `${path} need each other`, "write one of them without the other");
}

/** P1307: a definition has the name of an attribute's root, so expressions could mean either. */
export function definitionShadowsAttribute(span: Span, name: string): Diagnostic {
  return make(
    "error",
    "P1307",
    span,
    `definition \`${name}\` hides the attributes that begin with \`${name}\``,
    "choose another name",
  );
}

/** P1308: an attribute is declared for a door on which nobody could say it. */
export function undeclarableDoor(span: Span, name: string, door: string): Diagnostic {
  const help = "only callers of the native API send attributes of their own; give it a value under `derive:`";
  return make("error", "P1308", span, `nothing on door \`${door}\` can supply \`${name}\``, help);
}

/** P1309: `requires` names what no Check can bring along, so that every Check would be `incomplete`. */
export function requiredTooEarly(span: Span, name: string): Diagnostic {
  const message = `a native Check never brings \`${name}\`: every one would be \`incomplete\``;
  return make("error", "P1309", span, message, "remove it: it is known only when the request is over, or made by Weir");
}

/** P1310: a `policy.when` that would be absent for requests that are none of its business. */
export function policyWhenSometimes(span: Span, name: string, door: string): Diagnostic {
  const help = `read it with \`.orDefault(…)\`, \`.get(…)\` or \`has(…)\`, derive it in \`attributes.yaml\`, or move the condition into the rules`;
  return make(
    "error",
    "P1310",
    span,
    `a policy's \`when\` reads \`${name}\`, which a request on door \`${door}\` may not have`,
    help,
  );
}

/** P1315: a `policy.when` that looks for a key nobody can promise: a computed one, or one inside of a value. */
export function policyWhenKey(span: Span): Diagnostic {
  const help = "look for keys with `.get(…, …)`, or add `.orDefault(false)` behind the whole";
  return make(
    "error",
    "P1315",
    span,
    "a policy's `when` is absent for a request that lacks the key it looks for",
    help,
  );
}

/** P1311: a rule reads what a door named by its policy never supplies. */
export function neverSupplied(span: Span, name: string, door: string): Diagnostic {
  const help = `take \`${door}\` out of the policy's \`doors:\`, or read it with \`.orDefault(…)\`, \`.get(…)\` or \`has(…)\``;
  return make("error", "P1311", span, `door \`${door}\` never supplies \`${name}\``, help);
}

/** P1312: no enabled check door can supply everything that a policy's rules read. */
export function noDoorLeft(span: Span, policy: string, why: string): Diagnostic {
  const help =
    "enable a door that supplies it under `doors:` in `weir.yaml`, or read it with `.orDefault(…)`, `.get(…)` or `has(…)`";
  return make("error", "P1312", span, `policy \`${policy}\` would be evaluated on no door: ${why}`, help);
}

/** P1313: a policy names a door that `weir.yaml` does not enable. */
export function doorNotEnabled(span: Span, door: string, enabled: readonly string[]): Diagnostic {
  const help = `enabled are ${enabled.map((name) => `\`${name}\``).join(", ")}; add \`${door}: {}\` under \`doors:\` in \`weir.yaml\``;
  return make("error", "P1313", span, `door \`${door}\` is not enabled`, help);
}

/** P1314: a policy's `doors:` names a door on which nothing is checked. */
export function notACheckDoor(span: Span, door: string): Diagnostic {
  const help = "name `weir`, `ext-authz` or `ext-authz-tcp`; report rules are not narrowed by `doors:`";
  return make("error", "P1314", span, `nothing is checked on door \`${door}\``, help);
}

/** P1320: an allow without any condition. */
export function unconditionalAllow(span: Span, rule: string): Diagnostic {
  const help = "add a `when:`, or write `scope: all` in the policy if every request is meant";
  return make("error", "P1320", span, `\`${rule}\` allows every request`, help);
}

/** P1321: a verdict that compares the path as the client wrote it. */
export function rawPath(span: Span, name: string): Diagnostic {
  const help = "read `request.canonical_path` instead; write `raw-path: true` if the raw text is meant";
  return make(
    "error",
    "P1321",
    span,
    `\`${name}\` is the path as the client wrote it: \`/public/../admin\` would pass`,
    help,
  );
}

/** P1322 (warning): a deny rule whose condition can be absent, which refuses the request as undecided. */
export function denyMayBeAbsent(span: Span, name: string): Diagnostic {
  const help = "if requests without it are fine, read it with `.orDefault(…)`, `.get(…, …)` or `has(…)`";
  return make(
    "warning",
    "P1322",
    span,
    `a request without \`${name}\` is refused as undecided by this deny rule`,
    help,
  );
}

/** P1323 (warning): an allow that rests only on what the client says of itself. */
export function clientControlledAllow(span: Span, names: readonly string[]): Diagnostic {
  const list = names.map((name) => `\`${name}\``).join(", ");
  const help =
    "add a condition on something proven or asserted by the proxy, for example `source.principal` or `request.auth.subject`";
  return make("warning", "P1323", span, `this allow rests only on ${list}, which the client controls`, help);
}

/** P1324 (warning): a header compared whole in a deny rule. */
export function denyComparesHeader(span: Span, header: string): Diagnostic {
  const help = `repeated headers arrive joined by commas: use \`request.headers.values("${header}").exists(v, v == …)\``;
  return make("warning", "P1324", span, `a client can get past this comparison by sending \`${header}\` twice`, help);
}

/** P1325: a header's name is not in the letters in which it arrives, so that the rule would never find it. */
export function headerNameCase(span: Span, attribute: string, header: string): Diagnostic {
  const help = `write \`${header.toLowerCase()}\``;
  return make("error", "P1325", span, `\`${attribute}\` has names in lower case: \`${header}\` is never there`, help);
}

/** P1326: a limit whose counters may be out of reach does not say what happens then. */
export function unavailableUnsaid(span: Span, limit: string, handler: string): Diagnostic {
  const help =
    "add `on-unavailable: deny`, or `allow` where going without the limit is better than going without an answer";
  return make(
    "error",
    "P1326",
    span,
    `limit \`${limit}\` does not say what happens when \`${handler}\` cannot be asked`,
    help,
  );
}

/** P1330: a response header cannot be removed on Envoy's doors. */
export function responseRemove(span: Span): Diagnostic {
  const help = "narrow the policy with `doors: [weir]`";
  return make("error", "P1330", span, "`response.remove` does not exist in ext_authz", help);
}

/** P1331: a header that must not be changed. */
export function reservedHeader(span: Span, name: string, byChoice: boolean): Diagnostic {
  const help = byChoice ? "write `allow-reserved: true` in the rule if you mean it" : "no rule can change it";
  return make("error", "P1331", span, `header \`${name}\` is reserved`, help);
}

/** P1332: a header is both owned (set by some rule) and added to. */
export function addOnOwned(span: Span, name: string, owner: string): Diagnostic {
  const help = `use \`set\`, or \`keep-client-value: true\` in \`${owner}\``;
  return make("error", "P1332", span, `cannot add to header \`${name}\`, which \`${owner}\` sets`, help);
}

/** P1333: one rule does two things to one header. */
export function headerTwice(span: Span, name: string): Diagnostic {
  return make("error", "P1333", span, `this rule does two things to \`${name}\``, "keep one of them");
}

/** P1340: a metric declared twice with different shapes. */
export function metricConflict(span: Span, name: string, other: string): Diagnostic {
  const help = "give both the same kind, unit, buckets and dimensions, or another name";
  return make("error", "P1340", span, `metric \`${name}\` is declared differently in \`${other}\``, help);
}

/** P1341: a limit whose cost, the same for every request, can never be granted. */
export function impossibleCost(span: Span, cost: bigint, max: bigint): Diagnostic {
  const [why, help] =
    cost < 0n
      ? ["a cost below 0 is an error", "write a cost of 0 or more"]
      : [`every request costs ${cost}, and \`max\` is ${max}`, "raise `max`, or lower `cost`"];
  return make("error", "P1341", span, `this limit lets nothing through: ${why}`, help);
}
