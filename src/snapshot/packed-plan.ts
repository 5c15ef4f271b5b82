import { createHash } from "node:crypto";
import { deserialize, serialize } from "node:v8";
import { barePolicy } from "./bare-policy.ts";
import type { Plan, PlanFrame, PolicyHead, PolicyPlan, PolicyRules } from "./plan.ts";

/**
 * A Plan as bytes in memory that all threads share: posting it to a thread copies nothing of them. Two plans share the bytes of the
 * policies that are the same in both. Of an expression there is what linking looks at, and neither its text nor its places.
 */
export interface PackedPlan {
  readonly id: string;
  /** Everything of the plan but its policies. */
  readonly frame: SharedArrayBuffer;
  /** In the order of their files. */
  readonly policies: readonly SharedArrayBuffer[];
}

/** Rules that are unpacked and linked in one go: a policy of ten thousand is not one go. */
const PIECE_RULES = 25;
/** What begins a packed policy: the SHA-256 of what follows. */
const DIGEST_BYTES = 32;
/** Each piece begins with how many bytes it has. */
const LENGTH_BYTES = 4;

export function packPlan({ policies, ...frame }: Plan): PackedPlan {
  return { id: frame.id, frame: packFrame(frame), policies: policies.map(packPolicy) };
}

export function packFrame(frame: PlanFrame): SharedArrayBuffer {
  return shared([serialize(frame)]);
}

export function packPolicy(policy: PolicyPlan): SharedArrayBuffer {
  const pieces = piecesOf(barePolicy(policy)).map((piece) => serialize(piece));
  const parts = pieces.flatMap((piece) => [lengthOf(piece), piece]);
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return shared([hash.digest(), ...parts]);
}

export function unpackFrame({ frame }: PackedPlan): PlanFrame {
  return deserialize(new Uint8Array(frame));
}

/** @returns what tells packed policies apart: with equal digests they are the same, in whichever thread. */
export function digestOf(packed: SharedArrayBuffer): string {
  return Buffer.from(packed, 0, DIGEST_BYTES).toString("latin1");
}

/** A policy in pieces, each small enough to be unpacked and linked in one go; the head is that of all of them. */
export interface PolicyPieces {
  readonly head: PolicyHead;
  /** Each rule is in one of them; of each kind in the order of the policy. Unpacked as they are asked for. */
  readonly pieces: Iterable<PolicyRules>;
}

export function unpackPolicy(packed: SharedArrayBuffer): PolicyPieces {
  const [head, first] = unpackPiece<PolicyHead>(packed, DIGEST_BYTES);
  return { head, pieces: unpackRules(packed, first) };
}

function* unpackRules(packed: SharedArrayBuffer, first: number): Generator<PolicyRules, void, void> {
  for (let at = first; at < packed.byteLength; ) {
    const [piece, next] = unpackPiece<PolicyRules>(packed, at);
    yield piece;
    at = next;
  }
}

/** @returns what stands at an offset, and the offset behind it. */
function unpackPiece<T>(packed: SharedArrayBuffer, at: number): readonly [T, number] {
  const length = new DataView(packed).getUint32(at);
  const begin = at + LENGTH_BYTES;
  return [deserialize(new Uint8Array(packed, begin, length)), begin + length];
}

/** The head, and then the rules by the handful. */
function piecesOf({
  verdictRules,
  asks,
  changes,
  limits,
  reports,
  ...head
}: PolicyPlan): [PolicyHead, ...PolicyRules[]] {
  return [
    head,
    ...handfuls(verdictRules).map((some) => ({ ...NO_RULES, verdictRules: some })),
    ...handfuls(asks).map((some) => ({ ...NO_RULES, asks: some })),
    ...handfuls(changes).map((some) => ({ ...NO_RULES, changes: some })),
    ...handfuls(limits).map((some) => ({ ...NO_RULES, limits: some })),
    ...handfuls(reports).map((some) => ({ ...NO_RULES, reports: some })),
  ];
}

const NO_RULES: PolicyRules = { verdictRules: [], asks: [], changes: [], limits: [], reports: [] };

function handfuls<T>(rules: readonly T[]): readonly (readonly T[])[] {
  const count = Math.ceil(rules.length / PIECE_RULES);
  return Array.from({ length: count }, (_, index) => rules.slice(index * PIECE_RULES, (index + 1) * PIECE_RULES));
}

function lengthOf(piece: Uint8Array): Uint8Array {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(piece.length);
  return length;
}

function shared(parts: readonly Uint8Array[]): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(parts.reduce((bytes, part) => bytes + part.length, 0));
  const bytes = new Uint8Array(memory);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return memory;
}
