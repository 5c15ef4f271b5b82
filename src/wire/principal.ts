import type { X509Certificate } from "node:crypto";

/** A name longer than that is none: SPIFFE allows no longer one, and it goes into logs and metrics. */
const MAX_LENGTH = 2_048;

/**
 * Who a verified certificate says its owner is: the SPIFFE ID, or else the first URI, the first DNS name, the subject. A name of one kind is
 * never to be taken for one of another: a DNS name has no colon, a URI has one, a subject has `=` and begins with none of `spiffe:`.
 *
 * @returns undefined where it says it in a way that could be misread; never the next best name then.
 */
export function principalOf(certificate: X509Certificate): string | undefined {
  const names = alternativeNames(certificate.subjectAltName);
  if (names === undefined) return undefined;
  const uris = names.filter(({ kind }) => kind === "URI").map(({ name }) => name);
  const hosts = names.filter(({ kind }) => kind === "DNS").map(({ name }) => name);
  const [uri] = uris;
  if (uri !== undefined) return uriPrincipal(uri, uris);
  const [host] = hosts;
  if (host !== undefined) return HOST.test(host) ? bounded(host) : undefined;
  return bounded(subjectOf(certificate));
}

const HOST = /^[A-Za-z0-9*._-]+$/;
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+$/;
/** As the standard has it: no port, no query, no escapes, no empty segments. */
const SPIFFE_ID = /^spiffe:\/\/[a-z0-9._-]{1,255}(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)*$/;

/** A SPIFFE certificate has exactly one URI; with two nobody can know which of them was meant. */
function uriPrincipal(first: string, all: readonly string[]): string | undefined {
  if (all.some((uri) => /^spiffe:/i.test(uri))) {
    return all.length === 1 && SPIFFE_ID.test(first) ? bounded(first) : undefined;
  }
  return URI.test(first) ? bounded(first) : undefined;
}

interface AlternativeName {
  readonly kind: string;
  readonly name: string;
}

/** One name and what separates it from the next. Node writes names with any odd character as JSON strings. */
const ALTERNATIVE_NAME = /(?<kind>[A-Za-z][A-Za-z ]*):(?:(?<quoted>"(?:[^"\\]|\\.)*")|(?<plain>[^",]*))(?:, |$)/y;

/** @returns the names of a certificate in order; undefined where they cannot be told apart for certain. */
function alternativeNames(text: string | undefined): readonly AlternativeName[] | undefined {
  const names: AlternativeName[] = [];
  if (text === undefined) return names;
  ALTERNATIVE_NAME.lastIndex = 0;
  for (let at = 0; at < text.length; at = ALTERNATIVE_NAME.lastIndex) {
    ALTERNATIVE_NAME.lastIndex = at;
    const { kind = "", quoted, plain = "" } = ALTERNATIVE_NAME.exec(text)?.groups ?? {};
    if (kind === "") return undefined;
    const name = quoted === undefined ? plain : unquoted(quoted);
    if (name === undefined) return undefined;
    names.push({ kind, name });
  }
  return names;
}

function unquoted(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : undefined;
  } catch {
    // Not as Node writes it: then nothing of the certificate's names is certain.
    return undefined;
  }
}

/** As RFC 2253 writes it, the last part first, and as Envoy does. Node has it in lines; what would be a line's end in a value is escaped. */
function subjectOf({ subject }: X509Certificate): string | undefined {
  // A certificate without a subject has none, whatever the types say.
  const written: string | undefined = subject;
  return written?.split("\n").reverse().join(",");
}

function bounded(name: string | undefined): string | undefined {
  return name === undefined || name === "" || name.length > MAX_LENGTH || /\p{Cc}/u.test(name) ? undefined : name;
}
