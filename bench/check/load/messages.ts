import { type Asked, authzMessage, type Expected, nativeMessage, requestsAbout } from "../requests.ts";
import type { Header } from "./hpack.ts";
import type { Api } from "./job.ts";

/** How many different requests there are: enough that no branch and no cache can learn them. */
const REQUESTS = 4_096;
/** Where the number of a request stands in its `x-request-id`, so that no two are ever alike. */
const NUMBER_DIGITS = 8;

/** One message to send, and what it must be answered. */
export interface Message {
  readonly bytes: Buffer;
  /** Of each check in it. */
  readonly checks: readonly { readonly id: number; readonly expected: Expected }[];
  /** Where the digits are that differ each time. */
  readonly numbers: readonly number[];
}

export const PATHS: Readonly<Record<Api, string>> = {
  "ext-authz": "/envoy.service.auth.v3.Authorization/Check",
  native: "/weir.v1.Weir/Check",
  "native-stream": "/weir.v1.Weir/CheckStream",
};

/** The headers of a call, to ext_authz as Envoy makes it. */
export function callHeaders(api: Api, deadlineMs?: number): readonly Header[] {
  const always: readonly Header[] = [
    [":method", "POST"],
    [":path", PATHS[api]],
    [":authority", "weir"],
    [":scheme", "http"],
    ["te", "trailers"],
    ["content-type", "application/grpc"],
  ];
  const deadline: readonly Header[] = deadlineMs === undefined ? [] : [["grpc-timeout", `${deadlineMs}m`]];
  if (api !== "ext-authz") return [...always, ...deadline];
  return [
    ...always,
    ...deadline,
    ["x-envoy-internal", "true"],
    ["x-forwarded-for", "192.0.2.17"],
    ["x-envoy-expected-rq-timeout-ms", "200"],
  ];
}

/** Always the same messages for the same question. */
export type MessageSource = (api: Api, rules: number, checksPerMessage: number) => readonly Message[];

/** @returns a source that makes each list once. */
export function messageSource(): MessageSource {
  const made = new Map<string, readonly Message[]>();
  return (api, rules, checksPerMessage) => {
    const key = `${api} ${rules} ${checksPerMessage}`;
    const messages = made.get(key) ?? messagesFor(api, rules, checksPerMessage);
    made.set(key, messages);
    return messages;
  };
}

function messagesFor(api: Api, rules: number, checksPerMessage: number): readonly Message[] {
  const asked = requestsAbout(rules, REQUESTS);
  if (api === "ext-authz") return asked.map((request, id) => single(request, authzMessage(request), id));
  if (api === "native") return asked.map((request, id) => single(request, nativeMessage(request), id));
  const messages: Message[] = [];
  for (let first = 0; first + checksPerMessage <= REQUESTS; first += checksPerMessage)
    messages.push(batch(asked.slice(first, first + checksPerMessage), first));
  return messages;
}

/** Writes another number over the one before, in every check of the message. */
export function renumber({ bytes, numbers }: Message, number: number): void {
  const digits = (number % 10 ** NUMBER_DIGITS).toString().padStart(NUMBER_DIGITS, "0");
  for (const at of numbers) bytes.write(digits, at, "latin1");
}

function single({ expected, headers }: Asked, encoded: Uint8Array, id: number): Message {
  const bytes = Buffer.from(encoded);
  return {
    bytes,
    checks: [{ id, expected }],
    numbers: [bytes.indexOf(headers.get("x-request-id") ?? "", 0, "latin1")],
  };
}

/** A CheckBatchRequest: ids are those of the requests, which no stream has in flight twice. */
function batch(asked: readonly Asked[], firstId: number): Message {
  const items = asked.map((request, index) => {
    const check = nativeMessage(request);
    const item = Buffer.concat([Buffer.from([0x08, ...varint(firstId + index), 0x12, ...varint(check.length)]), check]);
    return Buffer.concat([Buffer.from([0x0a, ...varint(item.length)]), item]);
  });
  const bytes = Buffer.concat(items);
  return {
    bytes,
    checks: asked.map(({ expected }, index) => ({ id: firstId + index, expected })),
    numbers: asked.map(({ headers }) => bytes.indexOf(headers.get("x-request-id") ?? "", 0, "latin1")),
  };
}

function varint(value: number): readonly number[] {
  return value < 0x80 ? [value] : [(value % 0x80) | 0x80, ...varint(Math.floor(value / 0x80))];
}
