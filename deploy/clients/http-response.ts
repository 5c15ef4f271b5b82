import { type HeaderPairs, valuesOf } from "../headers.ts";

/** An HTTP/1.1 answer as it came over the wire. */
export interface HttpResponse {
  readonly status: number;
  readonly reason: string;
  readonly headers: HeaderPairs;
  readonly body: Buffer;
  /** What followed the answer on the connection. */
  readonly rest: Buffer;
}

interface Circumstances {
  /** The request's: the answer to a HEAD has no body. */
  readonly method: string;
  /** The server has sent all it will. */
  readonly ended: boolean;
}

/**
 * Reads the first final answer; interim ones (100, 103) are skipped.
 * @returns undefined while it is not whole.
 * @throws when it is not HTTP/1.
 */
export function readResponse(bytes: Buffer, about: Circumstances): HttpResponse | undefined {
  const headEnd = bytes.indexOf(END_OF_HEAD);
  if (headEnd < 0) return undefined;
  const [first = "", ...lines] = bytes.subarray(0, headEnd).toString("latin1").split("\r\n");
  const [, digits, reason = ""] = STATUS_LINE.exec(first) ?? [];
  if (digits === undefined) throw new Error(`no HTTP answer: ${JSON.stringify(first)}`);
  const status = Number(digits);
  const after = bytes.subarray(headEnd + END_OF_HEAD.length);
  if (status < 200 && status !== SWITCHING_PROTOCOLS) return readResponse(after, about);
  const headers = lines.map(headerOf);
  const content = contentOf(after, status, headers, about);
  return content && { status, reason, headers, ...content };
}

const END_OF_HEAD = "\r\n\r\n";
const STATUS_LINE = /^HTTP\/1\.[01] (\d{3}) ?(.*)$/s;
const SWITCHING_PROTOCOLS = 101;
const NO_BODY: readonly number[] = [SWITCHING_PROTOCOLS, 204, 304];

function headerOf(line: string): readonly [string, string] {
  const colon = line.indexOf(":");
  if (colon < 0) throw new Error(`no header: ${JSON.stringify(line)}`);
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}

interface Content {
  readonly body: Buffer;
  readonly rest: Buffer;
}

function contentOf(bytes: Buffer, status: number, headers: HeaderPairs, about: Circumstances): Content | undefined {
  if (about.method === "HEAD" || NO_BODY.includes(status)) return cut(bytes, 0);
  if (valuesOf(headers, "transfer-encoding").includes("chunked")) return chunked(bytes);
  const [length] = valuesOf(headers, "content-length");
  if (length !== undefined) return cut(bytes, Number(length));
  return about.ended ? cut(bytes, bytes.length) : undefined;
}

function cut(bytes: Buffer, length: number): Content | undefined {
  return bytes.length < length ? undefined : { body: bytes.subarray(0, length), rest: bytes.subarray(length) };
}

function chunked(bytes: Buffer): Content | undefined {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    if (Number.isNaN(size)) throw new Error("a chunk of the answer has no size");
    const start = lineEnd + 2;
    if (size === 0) {
      // Trailers, mostly none, end with an empty line like a head does; the size's own line end may be part of it.
      const end = bytes.indexOf(END_OF_HEAD, lineEnd);
      return end < 0 ? undefined : { body: Buffer.concat(chunks), rest: bytes.subarray(end + END_OF_HEAD.length) };
    }
    if (bytes.length < start + size + 2) return undefined;
    chunks.push(bytes.subarray(start, start + size));
    at = start + size + 2;
  }
}
