import { createSign, generateKeyPairSync } from "node:crypto";

/** Signs tokens with a key made for this run. Nothing of it is ever written down. */
export interface TokenMint {
  /** The public key as a JWKS document: what Envoy verifies with. */
  readonly jwks: string;
  readonly issuer: string;
  /** @returns a signed token (RS256) with these claims. */
  token(claims: Readonly<Record<string, unknown>>): string;
}

const ISSUER = "https://login.shop.example";
const KEY_ID = "demo";
const KEY_BITS = 2048;
const LIFE_SECONDS = 3600;

export function makeMint(nowMs: number): TokenMint {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: KEY_BITS });
  const jwk = { ...publicKey.export({ format: "jwk" }), kid: KEY_ID, alg: "RS256", use: "sig" };
  const seconds = Math.floor(nowMs / 1000);
  return {
    jwks: JSON.stringify({ keys: [jwk] }),
    issuer: ISSUER,
    token(claims) {
      const header = encode({ alg: "RS256", kid: KEY_ID, typ: "JWT" });
      const body = encode({ iss: ISSUER, iat: seconds, exp: seconds + LIFE_SECONDS, ...claims });
      const signature = createSign("RSA-SHA256").update(`${header}.${body}`).sign(privateKey, "base64url");
      return `${header}.${body}.${signature}`;
    },
  };
}

function encode(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}
