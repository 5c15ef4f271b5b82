import { createPrivateKey, constants as crypto, type KeyObject, X509Certificate } from "node:crypto";
import { constants as files } from "node:fs";
import { open } from "node:fs/promises";
import { createSecureContext, type SecureContextOptions } from "node:tls";

/** Where certificates stand: files in PEM. */
export interface TlsPaths {
  /** Our own, the leaf first. */
  readonly certificate: string;
  /** The key of the leaf, without a passphrase. */
  readonly key: string;
  /** The authorities whose client certificates are believed. */
  readonly clientCa?: string;
}

/** What a handshake is done with, read and judged as one. Plain data: it crosses to threads. */
export interface TlsMaterial {
  /** PEM, as are the others. */
  readonly certificate: string;
  readonly key: string;
  readonly clientCa?: string;
  /** Milliseconds since the epoch after which clients refuse our certificate. */
  readonly expiresAtMs: number;
}

/** What the files hold; not judged. */
export interface TlsTexts {
  readonly certificate: string;
  readonly key: string;
  readonly clientCa?: string;
  /** Every user of this machine may read the key. */
  readonly keyIsPublic: boolean;
}

/** A bundle of the world's authorities has a quarter of that. */
export const MAX_TLS_FILE_BYTES = 1024 * 1024;

/** `1.3.6.1.5.5.7.3.1` is for servers, the other for everything. */
const SERVER_USES: readonly string[] = ["1.3.6.1.5.5.7.3.1", "2.5.29.37.0"];

/** @returns what stands in the files; or in words for people why one of them cannot be read. */
export async function readTlsFiles(paths: TlsPaths): Promise<TlsTexts | { readonly problem: string }> {
  const certificate = await readFile(paths.certificate);
  if ("problem" in certificate) return certificate;
  const key = await readFile(paths.key);
  if ("problem" in key) return key;
  const keyIsPublic = (key.mode & files.S_IROTH) !== 0;
  if (paths.clientCa === undefined) return { certificate: certificate.text, key: key.text, keyIsPublic };
  const clientCa = await readFile(paths.clientCa);
  if ("problem" in clientCa) return clientCa;
  return { certificate: certificate.text, key: key.text, clientCa: clientCa.text, keyIsPublic };
}

/** @returns what handshakes can be done with; or in words for people why none can, and what to do about it. */
export function judgeTls(paths: TlsPaths, texts: TlsTexts, nowMs: number): TlsMaterial | { readonly problem: string } {
  const leaf = leafOf(paths.certificate, texts.certificate, nowMs);
  if ("problem" in leaf) return leaf;
  const key = keyOf(paths.key, texts.key);
  if ("problem" in key) return key;
  if (!leaf.certificate.checkPrivateKey(key.key))
    return {
      problem:
        `${paths.key} is not the key of the first certificate in ${paths.certificate}; put the certificate of this key first, ` +
        "those of its issuers behind it",
    };
  const wrongCa =
    paths.clientCa === undefined ? undefined : wrongAuthorities(paths.clientCa, texts.clientCa ?? "", nowMs);
  if (wrongCa !== undefined) return { problem: wrongCa };
  const material: TlsMaterial = {
    certificate: texts.certificate,
    key: texts.key,
    ...(texts.clientCa === undefined ? {} : { clientCa: texts.clientCa }),
    expiresAtMs: leaf.certificate.validToDate.getTime(),
  };
  try {
    createSecureContext(secureOptions(material));
  } catch (error) {
    return { problem: `${paths.certificate} and ${paths.key} cannot be used: ${wordsOf(error)}` };
  }
  return material;
}

/** @returns a file's text and mode. A FIFO must not make us wait, nor a device give without end. */
async function readFile(
  path: string,
): Promise<{ readonly text: string; readonly mode: number } | { readonly problem: string }> {
  try {
    await using file = await open(path, files.O_RDONLY | files.O_NONBLOCK);
    const stat = await file.stat();
    if (!stat.isFile()) return { problem: `${path} is not a file; name a file in PEM` };
    const buffer = Buffer.alloc(MAX_TLS_FILE_BYTES + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    if (bytesRead > MAX_TLS_FILE_BYTES)
      return { problem: `${path} is larger than 1 MiB; name a file with the certificates alone` };
    return { text: buffer.toString("utf8", 0, bytesRead), mode: stat.mode };
  } catch (error) {
    return { problem: `${path} cannot be read: ${wordsOf(error)}` };
  }
}

const CERTIFICATE = /-----BEGIN (?:X509 )?CERTIFICATE-----[^-]+-----END (?:X509 )?CERTIFICATE-----/g;

/** @returns all certificates of a text, in order; undefined for one that is none. */
function certificatesIn(text: string): readonly (X509Certificate | undefined)[] {
  return (text.match(CERTIFICATE) ?? []).map((pem) => {
    try {
      return new X509Certificate(pem);
    } catch {
      // OpenSSL's only way to say that it is none; what is said of it names the file.
      return undefined;
    }
  });
}

function leafOf(
  path: string,
  text: string,
  nowMs: number,
): { readonly certificate: X509Certificate } | { readonly problem: string } {
  const certificates = certificatesIn(text);
  const [certificate] = certificates;
  if (certificates.length === 0) {
    const swapped = text.includes("PRIVATE KEY-----") ? "; it has a private key: are the two files exchanged?" : "";
    return { problem: `${path} has no certificate in PEM (\`-----BEGIN CERTIFICATE-----\`)${swapped}` };
  }
  if (certificate === undefined || certificates.includes(undefined))
    return { problem: `${path} has a certificate that cannot be read; is the file whole?` };
  if (certificate.validToDate.getTime() <= nowMs)
    return { problem: `the certificate in ${path} has expired (${certificate.validTo}); have it issued anew` };
  if (certificate.validFromDate.getTime() > nowMs)
    return { problem: `the certificate in ${path} is not valid before ${certificate.validFrom}; is the clock right?` };
  // Node calls the extended key usage so; undefined is any.
  const uses: readonly string[] | undefined = certificate.keyUsage;
  if (uses !== undefined && !uses.some((use) => SERVER_USES.includes(use)))
    return {
      problem: `the certificate in ${path} is not for servers; have it issued with the extended key usage serverAuth`,
    };
  return { certificate };
}

function keyOf(path: string, text: string): { readonly key: KeyObject } | { readonly problem: string } {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text))
    return { problem: `the key in ${path} is encrypted; give it without a passphrase (\`openssl pkey -in ${path}\`)` };
  try {
    return { key: createPrivateKey(text) };
  } catch {
    // What OpenSSL says of it (“unsupported”) helps nobody, and could repeat a part of the key.
    return { problem: `${path} has no private key in PEM (\`-----BEGIN PRIVATE KEY-----\`)` };
  }
}

/** @returns in words for people why no client could be believed by these; undefined when one could. */
function wrongAuthorities(path: string, text: string, nowMs: number): string | undefined {
  const certificates = certificatesIn(text);
  if (certificates.length === 0) return `${path} has no certificate in PEM (\`-----BEGIN CERTIFICATE-----\`)`;
  if (certificates.includes(undefined)) return `${path} has a certificate that cannot be read; is the file whole?`;
  const authorities = certificates.filter((certificate) => certificate?.ca === true);
  if (authorities.length === 0)
    return `${path} has no certificate of an authority (basicConstraints CA:TRUE), only others`;
  if (authorities.every((authority) => authority !== undefined && authority.validToDate.getTime() <= nowMs))
    return `every authority in ${path} has expired; have them issued anew`;
  return undefined;
}

function wordsOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") return "it is not there";
  if (code === "EACCES") return "not permitted";
  return error instanceof Error ? error.message : String(error);
}

/** Of TLS 1.2, what has forward secrecy and authenticated encryption; TLS 1.3 has nothing else. HTTP/2 forbids the rest (RFC 9113, 9.2.2). */
const CIPHERS = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
].join(":");

/**
 * A session that is taken up again is one whose certificate nobody looks at again: it may have expired, or its authority be gone. Connections
 * live long, so that nothing is saved by it either.
 */
const NEITHER_RESUMED_NOR_RENEGOTIATED = crypto.SSL_OP_NO_TICKET | crypto.SSL_OP_NO_RENEGOTIATION;

/** @returns what one generation of certificates means to OpenSSL. */
export function secureOptions({ certificate, key, clientCa }: TlsMaterial): SecureContextOptions {
  return {
    cert: certificate,
    key,
    // An empty list is nobody; left out it would be the authorities of the world.
    ca: clientCa === undefined ? [] : [clientCa],
    minVersion: "TLSv1.2",
    ciphers: CIPHERS,
    honorCipherOrder: true,
    secureOptions: NEITHER_RESUMED_NOR_RENEGOTIATED,
  };
}
