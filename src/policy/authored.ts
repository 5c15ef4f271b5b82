import type { AttributeType } from "../attribute/type.ts";
import type { Sources, Span } from "../diagnostics/diagnostic.ts";

/**
 * The authored form: what people wrote, parsed and checked against the schema, with every character's place kept. Names are not
 * resolved and expressions are not parsed here.
 */
export interface AuthoredFolder extends AuthoredRoot {
  /** In the order of their paths. */
  readonly policies: readonly AuthoredPolicy[];
  readonly sources: Sources;
}

/** What the files at the root say: whatever a policy depends on besides itself stands here. */
export interface AuthoredRoot {
  readonly settings: AuthoredSettings;
  readonly handlers: readonly AuthoredHandler[];
  readonly attributes: readonly AuthoredAttribute[];
  readonly derivations: readonly AuthoredDerivation[];
}

/**
 * Set only in the folder of a failed load: something of it could not be read, which was said. The expressions that are there may be
 * judged; rules about the whole may not, see `withoutEchoes`. A name that is missing is `""`.
 */
export interface Incomplete {
  /** The whole of it in the file. */
  readonly incomplete?: Span;
}

/** A scalar with the place of each of its characters: an expression or a text with `${…}`. */
export interface SourceText {
  /** For expressions the scalar's source text, whatever YAML type it resolves to. */
  readonly text: string;
  /** The whole scalar in the file, quotes included. */
  readonly span: Span;
  /** The place in the file of the UTF-16 units [start, end) of `text`. An empty range gives an empty span at that place. */
  locate(start: number, end: number): Span;
}

/** A plain value with its place. */
export interface Located<T> {
  readonly value: T;
  readonly span: Span;
}

export type DoorName = "weir" | "ext-authz" | "ext-authz-tcp" | "access-log";
export const DOOR_NAMES = ["weir", "ext-authz", "ext-authz-tcp", "access-log"] as const satisfies readonly DoorName[];

/** What a peer may do. */
export type Grant = "check" | "report" | "assert-source" | "admin";
export const GRANTS = ["check", "report", "assert-source", "admin"] as const satisfies readonly Grant[];

export interface AuthoredPeer {
  /** A principal, `…/*` for all below, `*` for whoever has one, `anonymous` for whoever has none. */
  readonly name: Located<string>;
  readonly may: readonly Grant[];
}

export interface AuthoredSettings {
  readonly unmatched: "deny" | "allow";
  /** The doors that serve. Without `doors:` in the file: weir, ext-authz, access-log with the defaults of files.md. */
  readonly doors: AuthoredDoors;
  /** Who may do what from other machines; undefined where the file does not say. */
  readonly peers?: readonly AuthoredPeer[];
  readonly cache: AuthoredCache;
  readonly allowEmpty: boolean;
  readonly pathParams: "refuse" | "keep";
  /** Attribute or map-key names never shown: `request.headers.authorization`. */
  readonly mask: readonly Located<string>[];
}

export interface AuthoredDoors {
  readonly weir?: { readonly requires: readonly Located<string>[]; readonly span: Span };
  readonly "ext-authz"?: { readonly jwt: Located<string>; readonly span: Span };
  readonly "ext-authz-tcp"?: { readonly span: Span };
  readonly "access-log"?: { readonly span: Span };
}

export interface AuthoredCache {
  /** Milliseconds; 0 is off. */
  readonly forMs: number;
  readonly uses: number;
}

export interface AuthoredHandler extends Incomplete {
  readonly name: Located<string>;
  readonly adapter: Located<string>;
  /** As YAML has it (integers beyond 2^53 as bigint); the adapter's own schema judges it where the adapter runs. */
  readonly config: unknown;
  /**
   * The place of a path inside `config`, for the adapter's own issues: a missing key points at the key of
   * the map that lacks it, or the handler's name. `part`: the value at the path (default), or its key.
   */
  locateConfig(path: readonly PropertyKey[], part?: "key" | "value"): Span;
  readonly queue: AuthoredQueue;
}

interface AuthoredQueue {
  readonly records: number;
  readonly onFull: "drop-oldest" | "drop-newest";
}

export interface AuthoredAttribute {
  readonly name: Located<string>;
  readonly type: AttributeType;
  readonly description: string;
  readonly doors: readonly Located<DoorName>[];
}

export interface AuthoredDerivation {
  readonly name: Located<string>;
  readonly expression: SourceText;
}

export interface AuthoredPolicy extends Incomplete {
  readonly file: string;
  readonly name: Located<string>;
  readonly description?: string;
  readonly doors?: readonly Located<DoorName>[];
  readonly when?: SourceText;
  readonly scopeAll: boolean;
  readonly rawPath: boolean;
  readonly cache?: AuthoredCache;
  readonly define: readonly AuthoredDefinition[];
  /**
   * Set only in the folder of a failed load: names of definitions that could not be read. Expressions that use them are not
   * wrong about the name.
   */
  readonly unreadableDefinitions?: readonly string[];
  readonly check: readonly AuthoredRule[];
  readonly quota: readonly AuthoredLimit[];
  readonly report: readonly AuthoredReport[];
}

/** `define:` — a string is CEL, a list or map is constants. */
export type AuthoredDefinition =
  | { readonly kind: "expression"; readonly name: Located<string>; readonly expression: SourceText }
  | { readonly kind: "constant"; readonly name: Located<string>; readonly value: Constant };

/** A constant as YAML has it: integers are bigint, doubles number. */
export type Constant =
  | null
  | boolean
  | bigint
  | number
  | string
  | readonly Constant[]
  | { readonly [key: string]: Constant };

export type AuthoredRule = AuthoredAllow | AuthoredDeny | AuthoredAsk | AuthoredChange;

interface RuleCommon extends Incomplete {
  readonly name: Located<string>;
  readonly description?: string;
  readonly when?: SourceText;
  readonly shadow: boolean;
  readonly rawPath: boolean;
}

export interface AuthoredAllow extends RuleCommon {
  readonly kind: "allow";
}

export interface AuthoredDeny extends RuleCommon {
  readonly kind: "deny";
  readonly respond?: AuthoredRespond;
}

export interface AuthoredAsk extends RuleCommon {
  readonly kind: "ask";
  readonly handler: Located<string>;
  /** The fields of the handler's template, by name: `value` for `listentry`. */
  readonly fields: readonly { readonly name: Located<string>; readonly expression: SourceText }[];
  readonly onUnavailable: "deny" | "allow";
  readonly respond?: AuthoredRespond;
}

export interface AuthoredChange extends RuleCommon {
  readonly kind: "change";
  readonly request: AuthoredHeaderChanges & {
    readonly query: {
      readonly set: readonly AuthoredNamedText[];
      readonly remove: readonly Located<string>[];
    };
  };
  readonly response: AuthoredHeaderChanges;
  readonly keepClientValue: boolean;
  readonly allowReserved: boolean;
}

export interface AuthoredHeaderChanges {
  readonly set: readonly AuthoredNamedText[];
  readonly add: readonly AuthoredNamedText[];
  readonly remove: readonly Located<string>[];
}

export interface AuthoredNamedText {
  readonly name: Located<string>;
  /** Text with `${CEL}`. */
  readonly text: SourceText;
}

export interface AuthoredRespond {
  readonly status?: Located<number>;
  readonly headers: readonly AuthoredNamedText[];
  readonly body?: SourceText;
  readonly span: Span;
}

export interface AuthoredLimit extends Incomplete {
  readonly name: Located<string>;
  readonly description?: string;
  readonly handler: Located<string>;
  readonly max: Located<bigint>;
  /** Milliseconds. */
  readonly everyMs: number;
  readonly algorithm: "rolling-window";
  readonly by: readonly { readonly name: Located<string>; readonly expression: SourceText }[];
  readonly when?: SourceText;
  readonly cost?: SourceText;
  readonly onRequest: boolean;
  readonly onUnavailable?: Located<"deny" | "allow">;
  readonly shadow: boolean;
  readonly respond?: AuthoredRespond;
}

export type AuthoredReport = AuthoredMetric | AuthoredLogEntry | AuthoredTraceSpan;

interface ReportCommon extends Incomplete {
  readonly name: Located<string>;
  readonly description?: string;
  readonly of: "request" | "decision";
  readonly handlers: readonly Located<string>[];
  readonly when?: SourceText;
}

export interface AuthoredNamedExpression {
  readonly name: Located<string>;
  readonly expression: SourceText;
}

export interface AuthoredMetric extends ReportCommon {
  readonly kind: "metric";
  readonly metricKind: "counter" | "gauge" | "histogram";
  readonly buckets?: readonly number[];
  readonly unit?: string;
  readonly value: SourceText | undefined;
  readonly dimensions: readonly AuthoredNamedExpression[];
}

export interface AuthoredLogEntry extends ReportCommon {
  readonly kind: "logentry";
  readonly severity?: SourceText;
  readonly message: SourceText | undefined;
  readonly variables: readonly AuthoredNamedExpression[];
}

export interface AuthoredTraceSpan extends ReportCommon {
  readonly kind: "tracespan";
  readonly spanName: SourceText | undefined;
  readonly attributes: readonly AuthoredNamedExpression[];
}
