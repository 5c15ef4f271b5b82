/** What must not be recorded, as `weir.yaml` says it. */
export interface MaskSettings {
  /** Attributes (`request.body`), keys in them (`request.headers.cookie`), and query parameters (`request.query.token`). */
  readonly mask: readonly string[];
  /** Where in Envoy's metadata verified claims stand; undefined where no door has any. */
  readonly jwt: { readonly namespace: string; readonly key: string } | undefined;
}

/** What of a structured value is masked: all of it, or what these dotted paths name. */
export type Inside = "all" | readonly string[];

/** Claims that have a name of their own in the vocabulary. */
const CLAIM_ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  "request.auth.subject": ["sub"],
  "request.auth.principal": ["iss", "sub"],
  "request.auth.audiences": ["aud"],
  "request.auth.presenter": ["azp"],
};

/** The mask, asked by attribute. Made once for a snapshot. */
export class MaskRules {
  readonly jwt: MaskSettings["jwt"];
  readonly #names: ReadonlySet<string>;

  constructor({ mask, jwt }: MaskSettings) {
    this.#names = new Set(mask);
    this.jwt = jwt;
  }

  /** @returns whether this attribute, or this key of it, is masked as a whole. Header names are compared as they are: in lower case. */
  hides(attribute: string, key?: string): boolean {
    return this.#names.has(attribute) || (key !== undefined && this.#names.has(`${attribute}.${key}`));
  }

  /** @returns what is masked inside of an attribute, or of a dotted path below it. */
  inside(attribute: string): Inside {
    if (this.#names.has(attribute)) return "all";
    const prefix = `${attribute}.`;
    return [...this.#names].flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []));
  }

  /** @returns what is masked of the claims of a verified token. */
  claims(): Inside {
    const named = Object.entries(CLAIM_ATTRIBUTES).flatMap(([name, claims]) => (this.#names.has(name) ? claims : []));
    const inside = this.inside("request.auth.claims");
    return inside === "all" ? inside : [...inside, ...named];
  }

  /** @returns the names of masked query parameters. */
  queryParameters(): readonly string[] {
    const inside = this.inside("request.query");
    return inside === "all" ? [] : inside;
  }
}

/** @returns what remains of `inside` below a key. A key may hold dots itself: `a.b` is the key `a.b`, or `b` in what `a` is. */
export function below(inside: Inside, key: string): Inside {
  if (inside === "all" || inside.includes(key)) return "all";
  return inside.flatMap((path) => (path.startsWith(`${key}.`) ? [path.slice(key.length + 1)] : []));
}

export function isNothing(inside: Inside): boolean {
  return inside !== "all" && inside.length === 0;
}
