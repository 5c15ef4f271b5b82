/** Certificates made when a test runs, so that no key is ever kept. X.509 v3, as much of it as Envoy looks at. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

interface Certificate {
  /** PEM */
  readonly certificate: string;
  /** PEM */
  readonly key: string;
}

export interface Authority {
  /** PEM */
  readonly certificate: string;
  /** @returns a certificate for clients and servers, good for a day. */
  issue(subject: string, names: AltNames): Certificate;
}

interface AltNames {
  readonly uris?: readonly string[];
  readonly dns?: readonly string[];
}

const DAY_MS = 86_400_000;
const SERIAL_BYTES = 16;

/** @param nowMs since 1970; certificates are good from a day before to a day after. */
export function makeAuthority(name: string, nowMs: number): Authority {
  const own = newKey();
  const certify = (subject: string, key: KeyObject, extensions: readonly Buffer[]) =>
    certificateOf({ issuer: name, subject, key, signer: own.privateKey, extensions, nowMs });
  return {
    certificate: pem(certify(name, own.publicKey, [extension(OID.basicConstraints, der(SEQUENCE, BOOLEAN_TRUE))])),
    issue(subject, { uris = [], dns = [] }) {
      const { publicKey, privateKey } = newKey();
      const names = [
        ...uris.map((uri) => der(NAME_URI, Buffer.from(uri))),
        ...dns.map((host) => der(NAME_DNS, Buffer.from(host))),
      ];
      const extensions = names.length > 0 ? [extension(OID.subjectAltName, der(SEQUENCE, ...names))] : [];
      return {
        certificate: pem(certify(subject, publicKey, extensions)),
        key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      };
    },
  };
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
  readonly nowMs: number;
}

function certificateOf({ issuer, subject, key, signer, extensions, nowMs }: Content): Buffer {
  const algorithm = der(SEQUENCE, OID.ecdsaWithSha256);
  const version3 = der(EXPLICIT_0, der(INTEGER, Buffer.of(2)));
  // 0x40 in front keeps the number positive and in its shortest form.
  const serial = der(INTEGER, Buffer.of(0x40), randomBytes(SERIAL_BYTES));
  const validity = der(SEQUENCE, utcTime(nowMs - DAY_MS), utcTime(nowMs + DAY_MS));
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
} as const;

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
