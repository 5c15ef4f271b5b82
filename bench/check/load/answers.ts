/** What an answer says, found without decoding it: as much as is needed to tell who answered wrongly. */
export type Verdict = "allowed" | "denied" | "unreadable";

const LENGTH_DELIMITED = 2;
const VARINT = 0;

/** A CheckResponse of ext_authz: allowed when its status is OK and it is no `denied_response`. */
export function authzVerdict(bytes: Buffer): Verdict {
  const status = fieldBytes(bytes, 1);
  if (bytes.length === 0 || fieldBytes(bytes, 2) !== undefined) return bytes.length === 0 ? "unreadable" : "denied";
  return status === undefined || (fieldNumber(status, 1) ?? 0) === 0 ? "allowed" : "denied";
}

/** Of `weir.v1`: VERDICT_ALLOWED is 1, any other verdict a refusal. */
export function nativeVerdict(bytes: Buffer): Verdict {
  const verdict = fieldNumber(bytes, 1);
  if (verdict === undefined) return "unreadable";
  return verdict === 1 ? "allowed" : "denied";
}

/** Calls `each` for every check that a CheckBatchResponse answers. */
export function eachStreamed(bytes: Buffer, each: (id: number, verdict: Verdict) => void): void {
  for (let at = 0; at < bytes.length; ) {
    const [field, start, end] = fieldAt(bytes, at);
    if (field === 1) {
      const item = bytes.subarray(start, end);
      const decision = fieldBytes(item, 2);
      each(fieldNumber(item, 1) ?? 0, decision === undefined ? "unreadable" : nativeVerdict(decision));
    }
    at = end;
  }
}

function fieldBytes(bytes: Buffer, wanted: number): Buffer | undefined {
  for (let at = 0; at < bytes.length; ) {
    const [field, start, end] = fieldAt(bytes, at);
    if (field === wanted) return bytes.subarray(start, end);
    at = end;
  }
  return undefined;
}

function fieldNumber(bytes: Buffer, wanted: number): number | undefined {
  const value = fieldBytes(bytes, wanted);
  return value === undefined ? undefined : varint(value, 0)[0];
}

/** @returns the field at this place, and where its value begins and ends. @throws on what no answer has */
function fieldAt(bytes: Buffer, at: number): readonly [field: number, start: number, end: number] {
  const [tag, start] = varint(bytes, at);
  const field = Math.floor(tag / 8);
  switch (tag % 8) {
    case VARINT:
      return [field, start, varint(bytes, start)[1]];
    case LENGTH_DELIMITED: {
      const [length, begin] = varint(bytes, start);
      return [field, begin, begin + length];
    }
    default:
      throw new Error("an answer with a field of a kind that answers do not have");
  }
}

function varint(bytes: Buffer, at: number): readonly [value: number, end: number] {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[at++] ?? 0;
    value += (byte % 128) * scale;
    if (byte < 128) return [value, at];
  }
}
