import { CheckRequest, type QuotaRequest } from "#proto/weir/v1/check";
import { type Bag, bagSource } from "../attribute/bag.ts";
import type { AttributeSource, SlotSpec } from "../attribute/source.ts";
import { lenientReadOptions } from "../wire/lenient.ts";
import { type Admits, admitBag, bagOfAttributes, textIn } from "./weir-attributes.ts";

/** What a CheckRequest says. */
export interface SentCheck {
  readonly attributes: SentAttributes;
  readonly quotas: readonly QuotaRequest[];
  readonly quotaOnly: boolean;
  readonly deduplicationId: string;
  /** In plain words why the attributes are not taken: then there are none. */
  readonly problem: string | undefined;
}

export interface SentAttributes extends AttributeSource {
  /** @returns a header of the request, by its name in lower case; undefined when it was not sent, or is no text. */
  textHeader(name: string): string | undefined;
}

export interface DecodeOptions extends Omit<Admits, "use"> {
  readonly slots: readonly SlotSpec[];
  readonly maxAttributes: number;
}

/** Decodes a CheckRequest as a whole, however it is written. @returns undefined for what is none. */
export function decodeCheck(bytes: Uint8Array, options: DecodeOptions): SentCheck | undefined {
  const request = decode(bytes);
  if (request === undefined) return undefined;
  const sent = bagOfAttributes(request.attributes, options.maxAttributes);
  const admitted = sent.ok ? admitBag(sent.bag, { use: "check", ...options }) : sent;
  return {
    attributes: sentAttributes(admitted.ok ? admitted.bag : NOTHING, options.slots),
    quotas: request.quotas,
    quotaOnly: request.quotaOnly,
    deduplicationId: request.deduplicationId,
    problem: admitted.ok ? undefined : admitted.problem,
  };
}

const NOTHING: Bag = new Map();

/** What stands for a message that is not read. */
export function nothingSent(slots: readonly SlotSpec[]): SentCheck {
  return {
    attributes: sentAttributes(NOTHING, slots),
    quotas: [],
    quotaOnly: false,
    deduplicationId: "",
    problem: undefined,
  };
}

function sentAttributes(bag: Bag, slots: readonly SlotSpec[]): SentAttributes {
  return { ...bagSource(bag, slots), textHeader: (name) => textIn(bag, "request.headers", name) };
}

function decode(bytes: Uint8Array): CheckRequest | undefined {
  try {
    return CheckRequest.fromBinary(bytes, lenientReadOptions);
  } catch {
    // The runtime's only way to say that the bytes are no message: the caller is told.
    return undefined;
  }
}
