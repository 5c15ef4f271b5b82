// Interface only, being filled: see `AttributeRow`.
import type { AttributeType } from "./type.ts";

export type Supply = "always" | "sometimes" | "never";
/** tls: proven by TLS on our own listener. proxy: asserted by the proxy. client: client-controlled. */
export type Trust = "tls" | "proxy" | "client";

/** One attribute, one row: checker, doors, docs and suggestions are derived from it. */
export interface AttributeRow {
  readonly name: string;
  readonly type: AttributeType;
  /** One sentence. */
  readonly description: string;
  readonly doors: Readonly<Record<VocabularyDoor, { readonly supply: Supply; readonly trust: Trust }>>;
  /** What counts as absent, where that is not simply "not there". */
  readonly absent?: string;
}

/** `decision`: the record of a decision, read by `of: decision` reports. */
export type VocabularyDoor = "weir" | "ext-authz" | "ext-authz-tcp" | "access-log" | "decision";
