import type { AttributeType } from "./type.ts";

export type Supply = "always" | "sometimes" | "never";
/** tls: proven by TLS on our own listener. proxy: asserted by the proxy. client: client-controlled. */
export type Trust = "tls" | "proxy" | "client";

/** `weir`: a native Check. `decision`: the record of a decision, read by `of: decision` reports. */
export type VocabularyDoor = "weir" | "ext-authz" | "ext-authz-tcp" | "access-log" | "decision";

/** The doors in the order in which documents list them. */
export const VOCABULARY_DOORS = [
  "weir",
  "ext-authz",
  "ext-authz-tcp",
  "access-log",
  "decision",
] as const satisfies readonly VocabularyDoor[];

/** One attribute, one row: checker, doors, docs and suggestions are derived from it. */
export interface AttributeRow {
  readonly name: string;
  readonly type: AttributeType;
  /** One sentence. */
  readonly description: string;
  readonly doors: Readonly<Record<VocabularyDoor, { readonly supply: Supply; readonly trust: Trust }>>;
  /** What counts as absent, where that is not simply "not there". */
  readonly absent?: string;
  /**
   * Known only once the request is over: a native Report may hold it, a Check never does, so that `doors.weir` says `never`.
   */
  readonly afterwards?: true;
  /**
   * The access log may know it otherwise than the Check did (after a rewrite, say). When a decision carried it, the carried value counts.
   */
  readonly carriedFirst?: true;
  /** Every door works it out from this attribute: it is there when that one is. */
  readonly workedOutFrom?: string;
}

/** What a table says of one attribute; what it leaves out is the ordinary case. */
export interface RowOptions {
  /** A native Check; `sometimes`, since callers differ. */
  readonly weir?: Supply;
  /** ext_authz for HTTP; `never`. */
  readonly http?: Supply;
  /** ext_authz for TCP connections; `never`. */
  readonly tcp?: Supply;
  /** The access log; `never`. */
  readonly log?: Supply;
  /** Records of decisions; what all check doors together say. */
  readonly decision?: Supply;
  /** `proxy`. */
  readonly trust?: Trust;
  readonly absent?: string;
  readonly afterwards?: true;
  readonly carriedFirst?: true;
  readonly workedOutFrom?: string;
}

/** Makes a row of a table. Names follow Envoy's CEL attributes where it has one. */
export function row(name: string, type: AttributeType, description: string, options: RowOptions = {}): AttributeRow {
  const { trust = "proxy", http = "never", tcp = "never", log = "never" } = options;
  const weir = options.weir ?? (options.afterwards ? "never" : "sometimes");
  const decision = options.decision ?? together([weir, http, tcp]);
  return {
    name,
    type,
    description,
    doors: {
      weir: { supply: weir, trust },
      "ext-authz": { supply: http, trust },
      "ext-authz-tcp": { supply: tcp, trust },
      "access-log": { supply: log, trust },
      decision: { supply: decision, trust },
    },
    ...(options.absent === undefined ? {} : { absent: options.absent }),
    ...(options.afterwards ? { afterwards: true } : {}),
    ...(options.carriedFirst ? { carriedFirst: true } : {}),
    ...(options.workedOutFrom === undefined ? {} : { workedOutFrom: options.workedOutFrom }),
  };
}

/** What is known of a record that may have come through any of these doors. */
function together(supplies: readonly Supply[]): Supply {
  if (supplies.every((supply) => supply === "never")) return "never";
  return supplies.every((supply) => supply === "always") ? "always" : "sometimes";
}
