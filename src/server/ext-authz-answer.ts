import { type HeaderValueOption, HeaderValueOption_HeaderAppendAction } from "#proto/envoy/config/core/v3/base";
import { CheckResponse, type OkHttpResponse } from "#proto/envoy/service/auth/v3/external_auth";
import type { Struct } from "#proto/weir/wire/v1/struct";
import { packCarried } from "../attribute/carried.ts";
import type { Json } from "../attribute/json.ts";
import type { Mask } from "../attribute/mask.ts";
import type { Changes, Decision, HeaderPair } from "../engine/decision.ts";
import { STATUS } from "../wire/door.ts";
import { structOf } from "./envoy-values.ts";
import { type RefusalCode, refusalCode } from "./refusal-status.ts";

/** What the answer depends on besides the decision. */
export interface Asked {
  /** The client speaks gRPC. */
  readonly grpc: boolean;
  /** The query that the client sent, without `?`. */
  readonly query: string;
  /** @param name in lower case */
  hasHeader(name: string): boolean;
}

declare const isRefusal: unique symbol;
/** A refusal that Envoy reads as one: made by `sealRefusal` and nowhere else. */
export type RefusalBytes = Uint8Array & { readonly [isRefusal]: true };

export interface Answer {
  readonly bytes: Uint8Array;
  /** How many carried values did not fit. */
  readonly leftOut: number;
}

/** @returns the answer for Envoy. */
export function encodeAnswer(decision: Decision, asked: Asked, mask: Mask): Answer {
  const { dynamicMetadata, leftOut } = metadataOf(decision, mask);
  const bytes =
    decision.verdict === "allowed"
      ? encodeAllowed(decision.changes, asked, dynamicMetadata)
      : encodeRefusal(decision.verdict, decision.response, asked.grpc, dynamicMetadata);
  return { bytes, leftOut };
}

/** @returns what comes behind an answer without them: the values that the decision carries. */
export function encodeCarried(decision: Decision, mask: Mask): Answer {
  const { fields, leftOut } = carriedFields(decision, mask);
  const dynamicMetadata = structOf(fields);
  return { bytes: CheckResponse.toBinary({ httpResponse: { oneofKind: undefined }, dynamicMetadata }), leftOut };
}

/** @returns what comes behind an answer without it: the rule that decided, `policy/rule`. */
export function encodeRule(rule: string): Buffer {
  const dynamicMetadata = structOf([["rule", rule]]);
  return Buffer.from(CheckResponse.toBinary({ httpResponse: { oneofKind: undefined }, dynamicMetadata }));
}

/** The answer when our own code failed: content may have caused it, so that Envoy's failure mode must not apply. */
export function encodeBug(): RefusalBytes {
  return encodeRefusal("undecided", undefined, false, undefined);
}

function encodeAllowed(changes: Changes, asked: Asked, dynamicMetadata: Struct): Uint8Array {
  const okResponse: OkHttpResponse = {
    ...requestChanges(changes, asked),
    responseHeadersToAdd: responseChanges(changes),
    ...queryChanges(changes, asked.query),
  };
  return CheckResponse.toBinary({
    status: { code: STATUS.ok, message: "", details: [] },
    httpResponse: { oneofKind: "okResponse", okResponse },
    dynamicMetadata,
  });
}

const DEFAULT_STATUS = 403;

function encodeRefusal(
  verdict: Exclude<Decision["verdict"], "allowed">,
  response: Decision["response"],
  grpc: boolean,
  dynamicMetadata: Struct | undefined,
): RefusalBytes {
  const status = response?.status ?? DEFAULT_STATUS;
  const code = refusalCode(verdict, status);
  const headers = (response?.headers ?? []).map((pair) => plain(pair));
  // Without it Envoy would make a status of its own from the HTTP one: of 429 it makes 14, which clients try again.
  if (grpc && !headers.some(({ header }) => header?.key === "grpc-status"))
    headers.push(plain(["grpc-status", String(code)]));
  const bytes = CheckResponse.toBinary({
    status: { code, message: "", details: [] },
    httpResponse: {
      oneofKind: "deniedResponse",
      deniedResponse: { status: { code: status }, headers, body: response?.body ?? "" },
    },
    ...(dynamicMetadata ? { dynamicMetadata } : {}),
  });
  return sealRefusal(bytes, code);
}

/** Field 1 (status), field 1 of it (code), field 2 (denied_response), each with the tag that protobuf writes. */
const STATUS_TAG = 0x0a;
const CODE_TAG = 0x08;
const STATUS_BYTES = 2;
const DENIED_TAG = 0x12;

/**
 * To Envoy an empty message, or one whose status code is 0, is an ALLOW whatever else it holds. This is where bytes leave, so this is where
 * it is made sure: by the bytes, not by the message they were made of.
 */
export function sealRefusal(bytes: Uint8Array, code: RefusalCode): RefusalBytes {
  const isSealed =
    bytes[0] === STATUS_TAG &&
    bytes[1] === STATUS_BYTES &&
    bytes[2] === CODE_TAG &&
    bytes[3] === code &&
    bytes[4] === DENIED_TAG;
  if (!isSealed) throw new Error("a refusal that Envoy would not read as one");
  // The brand exists only as a type: it says that the bytes were looked at.
  return bytes as RefusalBytes;
}

function metadataOf(decision: Decision, mask: Mask): { readonly dynamicMetadata: Struct; readonly leftOut: number } {
  const fields: [string, Json][] = [
    ["decision_id", decision.decisionId],
    ["verdict", decision.verdict],
    ["reason", decision.reason],
    ["snapshot", decision.snapshot],
    ["took_us", decision.tookUs],
  ];
  if (decision.rule) fields.push(["rule", decision.rule.rule]);
  const carried = carriedFields(decision, mask);
  return { dynamicMetadata: structOf([...fields, ...carried.fields]), leftOut: carried.leftOut };
}

function carriedFields(
  { carried }: Decision,
  mask: Mask,
): { readonly fields: readonly (readonly [string, Json])[]; readonly leftOut: number } {
  if (carried.length === 0) return { fields: [], leftOut: 0 };
  const { values, leftOut } = packCarried(carried.map(({ name, value }) => ({ name, value: mask.apply(name, value) })));
  if (values.size === 0) return { fields: [], leftOut };
  return { fields: [["attr", Object.assign(Object.create(null), Object.fromEntries(values))]], leftOut };
}

/**
 * Envoy overwrites or adds with `append` unset, and with `append: true` adds a value to a header that is there but loses it where there is
 * none; `append_action` it ignores here. So each name gets one operation, chosen by whether the client sent that header.
 */
function requestChanges(changes: Changes, asked: Asked): Pick<OkHttpResponse, "headers" | "headersToRemove"> {
  const set = new Map(changes.requestSet.map(([name, value]) => [name.toLowerCase(), value]));
  const removed = new Set(changes.requestRemove.map((name) => name.toLowerCase()).filter((name) => !set.has(name)));
  const headers: HeaderValueOption[] = [];
  for (const [name, added] of joinedByName(changes.requestAdd)) {
    const ours = set.get(name);
    if (ours !== undefined) set.set(name, join(name, ours, added));
    // Removed first and added then, as everywhere: what stays is ours alone. Envoy would do it the other way round.
    else if (removed.delete(name) || !asked.hasHeader(name)) set.set(name, added);
    else headers.push({ ...plain([name, added]), append: { value: true } });
  }
  for (const pair of set) headers.push(plain(pair));
  return { headers, headersToRemove: [...removed] };
}

/** Here `append_action` counts. */
function responseChanges(changes: Changes): HeaderValueOption[] {
  const { OVERWRITE_IF_EXISTS_OR_ADD, APPEND_IF_EXISTS_OR_ADD } = HeaderValueOption_HeaderAppendAction;
  return [
    ...changes.responseSet.map((pair) => ({ ...plain(pair), appendAction: OVERWRITE_IF_EXISTS_OR_ADD })),
    ...changes.responseAdd.map((pair) => ({ ...plain(pair), appendAction: APPEND_IF_EXISTS_OR_ADD })),
  ];
}

function plain([name, value]: HeaderPair): HeaderValueOption {
  const header = { key: name.toLowerCase(), value, rawValue: new Uint8Array() };
  return {
    header,
    appendAction: HeaderValueOption_HeaderAppendAction.APPEND_IF_EXISTS_OR_ADD,
    keepEmptyValue: value === "",
  };
}

function joinedByName(pairs: readonly HeaderPair[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of pairs) {
    const key = name.toLowerCase();
    const before = values.get(key);
    values.set(key, before === undefined ? value : join(key, before, value));
  }
  return values;
}

function join(name: string, before: string, value: string): string {
  return `${before}${name === "cookie" ? "; " : ", "}${value}`;
}

type QueryFields = Pick<OkHttpResponse, "queryParametersToSet" | "queryParametersToRemove">;

/**
 * Envoy compares names as they stand in the query, without decoding: other spellings of a name that is set or removed are removed too, or a
 * client that writes `%64ebug` for `debug` would be heard.
 */
function queryChanges({ querySet, queryRemove }: Changes, query: string): QueryFields {
  const set = querySet.map(([name, value]) => ({ key: encodeQuery(name), value: encodeQuery(value) }));
  const ours = new Set(set.map(({ key }) => key));
  const removed = new Set(queryRemove.map(encodeQuery));
  const names = new Set([...querySet.map(([name]) => name), ...queryRemove]);
  if (names.size > 0) for (const spelling of spellings(query, names)) removed.add(spelling);
  return { queryParametersToSet: set, queryParametersToRemove: [...removed].filter((name) => !ours.has(name)) };
}

function encodeQuery(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** @returns the names of the query, as they stand there, that mean one of `names`. */
function spellings(query: string, names: ReadonlySet<string>): readonly string[] {
  const written = query.split("&").map((parameter) => parameter.split("=", 1)[0] ?? "");
  return written.filter((name) => names.has(decodeQuery(name)));
}

function decodeQuery(name: string): string {
  const spaced = name.replaceAll("+", " ");
  return Buffer.from(
    spaced.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    "latin1",
  ).toString("utf8");
}
