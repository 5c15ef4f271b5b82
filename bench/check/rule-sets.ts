/**
 * The policies that the bench asks about: allow and deny rules as a mesh has them, each with four conditions, in files of a hundred. The
 * same number of rules is always the same folder, to the byte.
 *
 * Ten rules belong to one service: nine allow one client one method below one path, the tenth denies the first of these clients what lies
 * below `internal/` there. So a request may be allowed by one rule, denied by one although another allows it, or meet none.
 */

/** `identity`: the caller is told by the principal of his certificate. `header`: by a header, as behind a gateway. */
export type RuleVariant = "identity" | "header";

export interface RuleSet {
  readonly rules: number;
  readonly variant: RuleVariant;
}

/** What one rule asks for. */
export interface Rule {
  readonly effect: "allow" | "deny";
  /** As answers name it: `policy/rule`. */
  readonly name: string;
  readonly principal: string;
  readonly tenant: string;
  readonly host: string;
  readonly method: string;
  readonly pathPrefix: string;
}

export const RULES_PER_FILE = 100;
const RULES_PER_SERVICE = 10;
const SERVICES_PER_NAMESPACE = 7;
const METHODS = ["GET", "POST", "PUT", "DELETE"] as const;
const RESOURCES = ["orders", "baskets", "items", "users", "invoices", "reports", "prices", "stocks", "events"] as const;

/** @param index from 0 */
export function ruleAt(index: number): Rule {
  const service = Math.floor(index / RULES_PER_SERVICE);
  const within = index % RULES_PER_SERVICE;
  const denies = within === RULES_PER_SERVICE - 1;
  // The deny rule is about the service's first client and what he is allowed.
  const client = denies ? index - within : index;
  const subject = denies ? 0 : within;
  const path = `/api/v1/${RESOURCES[subject] ?? "others"}/`;
  return {
    effect: denies ? "deny" : "allow",
    name: `${policyName(Math.floor(index / RULES_PER_FILE))}/${ruleName(index)}`,
    principal: `spiffe://mesh.example/ns/team-${client % 97}/sa/client-${client}`,
    tenant: `tenant-${client}`,
    host: `service-${service}.namespace-${Math.floor(service / SERVICES_PER_NAMESPACE)}.mesh.example`,
    method: METHODS[subject % METHODS.length] ?? "GET",
    pathPrefix: denies ? `${path}internal/` : path,
  };
}

/** The whole folder, path by path. @param edition another one differs in the last rule of all, and in nothing else: what an edit is. */
export function policyFiles({ rules, variant }: RuleSet, edition = 0): ReadonlyMap<string, string> {
  const files = new Map([["weir.yaml", SETTINGS]]);
  for (let first = 0; first < rules; first += RULES_PER_FILE) {
    const last = Math.min(first + RULES_PER_FILE, rules);
    const name = policyName(first / RULES_PER_FILE);
    files.set(`${name}.yaml`, policyFile(name, first, last, variant, last === rules ? edition : 0));
  }
  return files;
}

const SETTINGS = "unmatched: deny\ndoors:\n  ext-authz: {}\n  weir: {}\n";

function policyFile(name: string, first: number, end: number, variant: RuleVariant, edition: number): string {
  const lines = [`policy: ${name}`, "check:"];
  for (let index = first; index < end; index++) {
    const rule = ruleAt(index);
    lines.push(`  - ${rule.effect}: ${ruleName(index)}`);
    lines.push(`    when: ${condition(rule, variant)}`);
  }
  // An edition is told by what one client, who asks nothing else, is answered.
  if (edition > 0) lines.push(`  - allow: edition`, `    when: ${condition(editionRule(edition), variant)}`);
  return `${lines.join("\n")}\n`;
}

/** What is allowed in this edition of the folder and in no other. */
export function editionRule(edition: number): Rule {
  return { ...ruleAt(0), name: "edition", pathPrefix: `/edition/${edition}/`, host: "edition.mesh.example" };
}

function condition({ principal, tenant, host, method, pathPrefix }: Rule, variant: RuleVariant): string {
  const caller =
    variant === "identity" ? `source.principal == "${principal}"` : `request.headers["x-tenant"] == "${tenant}"`;
  const path = `request.canonical_path.startsWith("${pathPrefix}")`;
  return `${caller} && request.host == "${host}" && request.method == "${method}" && ${path}`;
}

function policyName(file: number): string {
  return `policy-${String(file).padStart(3, "0")}`;
}

function ruleName(index: number): string {
  return `rule-${index}`;
}
