const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const TWO_TO_32 = 2 ** 32;

/**
 * Puts a text into one of 100 buckets, the same in every process and version: `salt`, a zero byte and `text` in UTF-8 through FNV-1a (32
 * bits), whose bits are then mixed as MurmurHash3 does (its last step spreads short texts evenly); the upper bits choose the bucket.
 * Not for secrets: who may choose the text can choose the bucket.
 */
export function bucketOf(text: string, salt: string): number {
  let hash = fnv1a(FNV_OFFSET, salt);
  hash = Math.imul(hash, FNV_PRIME);
  return Math.floor((mix(fnv1a(hash, text)) / TWO_TO_32) * 100);
}

function fnv1a(start: number, text: string): number {
  let hash = start;
  for (const byte of Buffer.from(text, "utf8")) hash = Math.imul(hash ^ byte, FNV_PRIME);
  return hash;
}

function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
