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

/** Which headers rules may write, and that no two of their operations meet on one name. */
export function checkHeaderRules(
  policies: readonly { policy: AuthoredPolicy; doors: readonly DoorName[] }[],
): readonly Diagnostic[] {
  const owners = ownersOf(policies.map(({ policy }) => policy));
  return policies.flatMap(({ policy, doors }) => [
    ...respondsOf(policy).flatMap((respond) => [
      ...framingHeaders(respond),
      ...headersTwice({ set: respond.headers, add: [], remove: [] }),
    ]),
    ...changesOf(policy).flatMap((rule) => [
      ...reservedNames(rule),
      ...headersTwice(rule.request),
      ...headersTwice(rule.response),
      ...twice([...namesOf(rule.request.query.set), ...rule.request.query.remove], sameSpelling),
      ...addedToOwned(rule, `${policy.name.value}/${rule.name.value}`, owners),
      ...responseRemoved(rule, doors),
    ]),
  ]);
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

/** Request headers that some rule may set, with the rule: we own them, whatever the client sends. */
function ownersOf(policies: readonly AuthoredPolicy[]): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  for (const policy of policies) {
    for (const rule of changesOf(policy)) {
      if (rule.keepClientValue || rule.shadow) continue;
      for (const { name } of rule.request.set)
        owners.set(name.value.toLowerCase(), `${policy.name.value}/${rule.name.value}`);
    }
  }
  return owners;
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

/** A rule that sets and adds one name itself does two things to it, which is said. */
function addedToOwned(
  rule: AuthoredChange,
  reference: string,
  owners: ReadonlyMap<string, string>,
): readonly Diagnostic[] {
  const own = new Set(rule.request.set.map(({ name }) => name.value.toLowerCase()));
  return rule.request.add.flatMap(({ name }) => {
    const owner = owners.get(name.value.toLowerCase());
    return owner === undefined || (owner === reference && own.has(name.value.toLowerCase()))
      ? []
      : [messages.addOnOwned(name.span, name.value, owner)];
  });
}

function responseRemoved(rule: AuthoredChange, doors: readonly DoorName[]): readonly Diagnostic[] {
  const [first] = rule.response.remove;
  return first !== undefined && doors.some((door) => door !== "weir") ? [messages.responseRemove(first.span)] : [];
}
