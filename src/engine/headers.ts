import { ABSENT, type Absent, Invalid } from "../attribute/value.ts";
import type { LinkedChange, LinkedRespond, LinkedText } from "../snapshot/linked.ts";
import { type Changes, type HeaderPair, NO_CHANGES } from "./decision.ts";
import type { Run } from "./run.ts";

/** A header, query or body value that we write is at most this long, in UTF-8 bytes. */
export const MAX_WRITTEN_VALUE_BYTES = 8 * 1024;
/** The body of a refusal. */
export const MAX_BODY_BYTES = 64 * 1024;

/**
 * Works out what `change:` rules do to this request (semantics.md section 3). A request header that an applicable rule may set is ours: it
 * is overwritten, or removed when nothing sets it. Where two rules set one name, the later one wins; `set` wins over `remove`.
 */
export function changeHeaders(run: Run): undefined {
  if (run.program.changes.length === 0) return undefined;
  const collected = new Collected();
  const found = run.program.indexes.changes.find(run.conditions);
  for (let change = found.next(); change !== undefined; change = found.next()) collect(change, run, collected);
  run.changes = collected.changes();
  return undefined;
}

class Collected {
  readonly owned = new Set<string>();
  readonly requestSet = new Map<string, string>();
  readonly requestAdd: HeaderPair[] = [];
  readonly requestRemove = new Set<string>();
  readonly responseSet = new Map<string, string>();
  readonly responseAdd: HeaderPair[] = [];
  readonly responseRemove = new Set<string>();
  readonly querySet = new Map<string, string>();
  readonly queryRemove = new Set<string>();

  changes(): Changes {
    for (const name of this.owned) this.requestRemove.add(name);
    return {
      ...NO_CHANGES,
      requestSet: [...this.requestSet],
      requestAdd: this.requestAdd,
      // Envoy removes after it sets: never both for one name.
      requestRemove: [...this.requestRemove].filter((name) => !this.requestSet.has(name)),
      responseSet: [...this.responseSet],
      responseAdd: this.responseAdd.filter(([name]) => !this.responseSet.has(name)),
      responseRemove: [...this.responseRemove].filter((name) => !this.responseSet.has(name)),
      querySet: [...this.querySet],
      queryRemove: [...this.queryRemove].filter((name) => !this.querySet.has(name)),
    };
  }
}

function collect(change: LinkedChange, run: Run, into: Collected): void {
  const { plan } = change;
  // The policy speaks about other requests: none of its headers are ours here.
  if (run.conditions.ofPolicy(change.policy) === false) return;
  if (!plan.keepClientValue) for (const { name } of change.requestSet) into.owned.add(name);
  if (run.conditions.of(change.policy, change.when) !== true) return;
  setAll(change.requestSet, run, into.requestSet);
  addAll(change.requestAdd, run, into.requestAdd);
  for (const name of change.requestRemove) into.requestRemove.add(name);
  setAll(change.querySet, run, into.querySet);
  for (const name of change.queryRemove) into.queryRemove.add(name);
  setAll(change.responseSet, run, into.responseSet);
  addAll(change.responseAdd, run, into.responseAdd);
  for (const name of change.responseRemove) into.responseRemove.add(name);
}

function setAll(texts: readonly LinkedText[], run: Run, into: Map<string, string>): void {
  for (const { name, render } of texts) {
    const value = headerValue(render(run.frame));
    if (value !== undefined) into.set(name, value);
  }
}

function addAll(texts: readonly LinkedText[], run: Run, into: HeaderPair[]): void {
  for (const { name, render } of texts) {
    const value = headerValue(render(run.frame));
    if (value !== undefined) into.push([name, value]);
  }
}

/** @returns the headers of a refusal; those whose text cannot be written are left out, the verdict stays. */
export function respondHeaders(respond: LinkedRespond | undefined, run: Run): HeaderPair[] {
  const headers: HeaderPair[] = [];
  if (respond) addAll(respond.headers, run, headers);
  return headers;
}

/** @returns the body of a refusal; "" when there is none or it cannot be written. */
export function respondBody(respond: LinkedRespond | undefined, run: Run): string {
  const text = respond?.body?.(run.frame);
  if (typeof text !== "string" || !isBodyText(text)) return "";
  return Buffer.byteLength(text) <= MAX_BODY_BYTES ? text : "";
}

function headerValue(text: string | Absent | Invalid): string | undefined {
  if (text === ABSENT || text instanceof Invalid || hasControlCharacter(text) || !text.isWellFormed()) return undefined;
  return Buffer.byteLength(text) <= MAX_WRITTEN_VALUE_BYTES ? text : undefined;
}

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

function hasControlCharacter(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (isControl(text.charCodeAt(index))) return true;
  return false;
}

/** A body may have lines and tabs; other control characters came from a client. */
function isBodyText(text: string): boolean {
  if (!text.isWellFormed()) return false;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (isControl(unit) && unit !== TAB && unit !== LINE_FEED && unit !== CARRIAGE_RETURN) return false;
  }
  return true;
}

function isControl(unit: number): boolean {
  return unit < 0x20 || unit === 0x7f;
}
