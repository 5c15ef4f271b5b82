import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import * as messages from "../diagnostics/messages/load.ts";
import type {
  AuthoredChange,
  AuthoredHeaderChanges,
  AuthoredPolicy,
  AuthoredRespond,
  DoorName,
  Located,
} from "../policy/authored.ts";

/** Never changed by anyone: routing, framing and hop-by-hop headers. */
const FORBIDDEN: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Changed only with `allow-reserved: true`. */
const RESERVED = /^(x-envoy-|x-forwarded-|x-request-id$)/u;

/** Which headers a policy's rules may write, and that no two operations of a rule meet on one name. */
export function checkHeaderRules(policy: AuthoredPolicy, doors: readonly DoorName[]): readonly Diagnostic[] {
  return [
    ...respondsOf(policy).flatMap((respond) => [
      ...framingHeaders(respond),
      ...headersTwice({ set: respond.headers, add: [], remove: [] }),
    ]),
    ...changesOf(policy).flatMap((rule) => [
      ...reservedNames(rule),
      ...headersTwice(rule.request),
      ...headersTwice(rule.response),
      ...twice([...namesOf(rule.request.query.set), ...rule.request.query.remove], sameSpelling),
      ...responseRemoved(rule, doors),
    ]),
  ];
}

/** What the rules of a policy do to request headers that some rule of some policy may own. */
export interface HeaderUses {
  /** Set, whatever the client sends: such a header is ours. In lower case, with the last rule that sets it. */
  readonly owned: readonly { readonly header: string; readonly rule: string }[];
  readonly added: readonly AddedHeader[];
}

interface AddedHeader {
  readonly name: Located<string>;
  readonly rule: string;
  /** The rule sets it too: it does two things to one name itself, which was said. */
  readonly isSetToo: boolean;
}

export function headerUses(policy: AuthoredPolicy): HeaderUses {
  const changes = changesOf(policy).map((rule) => ({ rule, reference: `${policy.name.value}/${rule.name.value}` }));
  return {
    owned: changes.flatMap(({ rule, reference }) =>
      rule.keepClientValue || rule.shadow
        ? []
        : rule.request.set.map(({ name }) => ({ header: name.value.toLowerCase(), rule: reference })),
    ),
    added: changes.flatMap(({ rule, reference }) => {
      const own = new Set(rule.request.set.map(({ name }) => name.value.toLowerCase()));
      return rule.request.add.map(({ name }) => ({
        name,
        rule: reference,
        isSetToo: own.has(name.value.toLowerCase()),
      }));
    }),
  };
}

/** No rule adds to a header that another owns. */
export function checkOwnedHeaders(policies: readonly { readonly headers: HeaderUses }[]): readonly Diagnostic[] {
  const owners = new Map<string, string>();
  for (const { headers } of policies) for (const { header, rule } of headers.owned) owners.set(header, rule);
  return policies.flatMap(({ headers }) =>
    headers.added.flatMap(({ name, rule, isSetToo }) => {
      const owner = owners.get(name.value.toLowerCase());
      return owner === undefined || (owner === rule && isSetToo)
        ? []
        : [messages.addOnOwned(name.span, name.value, owner)];
    }),
  );
}

function respondsOf(policy: AuthoredPolicy): readonly AuthoredRespond[] {
  return [...policy.check, ...policy.quota].flatMap((rule) =>
    "respond" in rule && rule.respond ? [rule.respond] : [],
  );
}

/** A refusal is framed by whoever sends it; that of a proxy (407) does say how to authenticate. */
function framingHeaders(respond: AuthoredRespond): readonly Diagnostic[] {
  return respond.headers.flatMap(({ name }) =>
    isForbidden(name.value) && name.value.toLowerCase() !== "proxy-authenticate"
      ? [messages.reservedHeader(name.span, name.value, false)]
      : [],
  );
}

function isForbidden(name: string): boolean {
  return name.startsWith(":") || FORBIDDEN.has(name.toLowerCase());
}

function changesOf(policy: AuthoredPolicy): readonly AuthoredChange[] {
  return policy.check.filter((rule) => rule.kind === "change");
}

function reservedNames(rule: AuthoredChange): readonly Diagnostic[] {
  const { request, response } = rule;
  const named = [...request.set, ...request.add, ...response.set, ...response.add].map((entry) => entry.name);
  return [...named, ...request.remove, ...response.remove].flatMap((name) => {
    const lower = name.value.toLowerCase();
    if (isForbidden(lower)) return [messages.reservedHeader(name.span, name.value, false)];
    return RESERVED.test(lower) && !rule.allowReserved ? [messages.reservedHeader(name.span, name.value, true)] : [];
  });
}

/** A header that may not be named at all has its error already. */
function headersTwice({ set, add, remove }: AuthoredHeaderChanges): readonly Diagnostic[] {
  const names = [...namesOf(set), ...namesOf(add), ...remove].filter((name) => !isForbidden(name.value));
  return twice(names, (name) => name.toLowerCase());
}

function namesOf(entries: readonly { readonly name: Located<string> }[]): readonly Located<string>[] {
  return entries.map((entry) => entry.name);
}

/** The names of query parameters are told apart by case. */
function sameSpelling(name: string): string {
  return name;
}

function twice(names: readonly Located<string>[], spell: (name: string) => string): readonly Diagnostic[] {
  const seen = new Set<string>();
  return names.flatMap((name) => {
    const key = spell(name.value);
    if (seen.has(key)) return [messages.headerTwice(name.span, name.value)];
    seen.add(key);
    return [];
  });
}

function responseRemoved(rule: AuthoredChange, doors: readonly DoorName[]): readonly Diagnostic[] {
  const [first] = rule.response.remove;
  return first !== undefined && doors.some((door) => door !== "weir") ? [messages.responseRemove(first.span)] : [];
}
