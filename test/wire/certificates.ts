/** Certificates made when a test runs, so that no key is ever kept. X.509 v3, as much of it as Envoy and OpenSSL look at. */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

export interface Certificate {
  /** PEM */
  readonly certificate: string;
  /** PEM */
  readonly key: string;
}

export interface Authority {
  /** PEM */
  readonly certificate: string;
  /** @returns a certificate for clients and servers, good for a day unless `wishes` say otherwise. */
  issue(subject: string, wishes: Wishes): Certificate;
  /** @returns an authority below this one. */
  intermediate(subject: string): Authority;
}

interface Wishes {
  readonly uris?: readonly string[];
  readonly dns?: readonly string[];
  /** Since 1970. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** For this alone; left out: for everything. */
  readonly use?: "server" | "client";
}

const DAY_MS = 86_400_000;
const SERIAL_BYTES = 16;

/** @param nowMs since 1970; certificates are good from a day before to a day after. */
export function makeAuthority(name: string, nowMs: number): Authority {
  const { publicKey, privateKey } = newKey();
  const content = { issuer: name, subject: name, key: publicKey, signer: privateKey, extensions: [AUTHORITY] };
  return authorityWith(name, pem(certificateOf({ ...content, ...aDayAround(nowMs) })), privateKey, nowMs);
}

/** Somebody who issues certificates with his own, whether it permits that or not. */
export function issuerWith(name: string, { certificate, key }: Certificate, nowMs: number): Authority {
  return authorityWith(name, certificate, createPrivateKey(key), nowMs);
}

/** A certificate that nobody else vouches for. */
export function selfSigned(subject: string, wishes: Wishes, nowMs: number): Certificate {
  const { publicKey, privateKey } = newKey();
  const content = { issuer: subject, subject, key: publicKey, signer: privateKey, extensions: extensionsOf(wishes) };
  return { certificate: pem(certificateOf({ ...content, ...aDayAround(nowMs) })), key: keyPem(privateKey) };
}

function authorityWith(name: string, certificate: string, signer: KeyObject, nowMs: number): Authority {
  const certify = (subject: string, extensions: readonly Buffer[], wishes: Wishes = {}) => {
    const { publicKey: key, privateKey } = newKey();
    const { fromMs = aDayAround(nowMs).fromMs, toMs = aDayAround(nowMs).toMs } = wishes;
    const issued = pem(certificateOf({ issuer: name, subject, key, signer, extensions, fromMs, toMs }));
    return { certificate: issued, privateKey };
  };
  return {
    certificate,
    issue(subject, wishes) {
      const { certificate: issued, privateKey } = certify(subject, extensionsOf(wishes), wishes);
      return { certificate: issued, key: keyPem(privateKey) };
    },
    intermediate(subject) {
      const { certificate: issued, privateKey } = certify(subject, [AUTHORITY]);
      return authorityWith(subject, issued, privateKey, nowMs);
    },
  };
}

function aDayAround(nowMs: number) {
  return { fromMs: nowMs - DAY_MS, toMs: nowMs + DAY_MS };
}

function extensionsOf({ uris = [], dns = [], use }: Wishes): readonly Buffer[] {
  const names = [
    ...uris.map((uri) => der(NAME_URI, Buffer.from(uri))),
    ...dns.map((host) => der(NAME_DNS, Buffer.from(host))),
  ];
  return [
    ...(names.length > 0 ? [extension(OID.subjectAltName, der(SEQUENCE, ...names))] : []),
    ...(use === undefined ? [] : [extension(OID.extendedKeyUsage, der(SEQUENCE, USES[use]))]),
  ];
}

function keyPem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

function newKey() {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

interface Content {
  readonly issuer: string;
  readonly subject: string;
  readonly key: KeyObject;
  readonly signer: KeyObject;
  readonly extensions: readonly Buffer[];
  readonly fromMs: number;
  readonly toMs: number;
}

function certificateOf({ issuer, subject, key, signer, extensions, fromMs, toMs }: Content): Buffer {
  const algorithm = der(SEQUENCE, OID.ecdsaWithSha256);
  const version3 = der(EXPLICIT_0, der(INTEGER, Buffer.of(2)));
  // 0x40 in front keeps the number positive and in its shortest form.
  const serial = der(INTEGER, Buffer.of(0x40), randomBytes(SERIAL_BYTES));
  const validity = der(SEQUENCE, utcTime(fromMs), utcTime(toMs));
  const content = der(
    SEQUENCE,
    ...[version3, serial, algorithm, distinguishedName(issuer), validity, distinguishedName(subject)],
    key.export({ type: "spki", format: "der" }),
    ...(extensions.length > 0 ? [der(EXPLICIT_3, der(SEQUENCE, ...extensions))] : []),
  );
  return der(SEQUENCE, content, algorithm, der(BIT_STRING, Buffer.of(0), sign("sha256", content, signer)));
}

const BOOLEAN_TRUE = Buffer.from("0101ff", "hex");
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;
const SET = 0x31;
const NAME_DNS = 0x82;
const NAME_URI = 0x86;
const EXPLICIT_0 = 0xa0;
const EXPLICIT_3 = 0xa3;
/** Object identifiers, encoded. */
const OID = {
  ecdsaWithSha256: Buffer.from("06082a8648ce3d040302", "hex"),
  commonName: Buffer.from("0603550403", "hex"),
  basicConstraints: Buffer.from("0603551d13", "hex"),
  subjectAltName: Buffer.from("0603551d11", "hex"),
  extendedKeyUsage: Buffer.from("0603551d25", "hex"),
} as const;
const USES = {
  server: Buffer.from("06082b06010505070301", "hex"),
  client: Buffer.from("06082b06010505070302", "hex"),
} as const;

const AUTHORITY = extension(OID.basicConstraints, der(SEQUENCE, BOOLEAN_TRUE));

function distinguishedName(commonName: string): Buffer {
  const attribute = der(SEQUENCE, OID.commonName, der(UTF8_STRING, Buffer.from(commonName)));
  return der(SEQUENCE, der(SET, attribute));
}

function extension(oid: Buffer, value: Buffer): Buffer {
  return der(SEQUENCE, oid, der(OCTET_STRING, value));
}

function utcTime(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\D/g, "").slice(2, 14);
  return der(UTC_TIME, Buffer.from(`${digits}Z`));
}

/** Tag, length in its shortest form, content. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}

function pem(certificate: Buffer): string {
  const lines = certificate.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
