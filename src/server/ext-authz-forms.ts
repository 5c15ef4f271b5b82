import type { Mask } from "../attribute/mask.ts";
import { type Changes, type Decision, type DirectResponse, NO_CHANGES } from "../engine/decision.ts";
import { type Answer, type Asked, encodeAnswer, encodeCarried, encodeRule, sealRefusal } from "./ext-authz-answer.ts";
import { refusalCode } from "./refusal-status.ts";

/** Bytes that the forms of one snapshot may take together; what has none is encoded each time. */
const MAX_FORM_BYTES = 8 * 1024 * 1024;

/**
 * The answers of one snapshot, encoded once where nothing but the decision's id, its time and its rule differ from request to request: an
 * allow without changes, and a refusal whose response is the same for each request. Those are filled in, the rule and carried values added
 * behind: ten thousand rules that say the same have one form.
 */
export class AnswerForms {
  readonly #mask: Mask;
  readonly #byResponse = new Map<DirectResponse | undefined, Form[]>();
  /** By `policy/rule`: what is added behind a form. */
  readonly #rules = new Map<string, Buffer>();
  #bytes = 0;

  constructor(mask: Mask) {
    this.#mask = mask;
  }

  /** What the forms take together. */
  get bytes(): number {
    return this.#bytes;
  }

  encode(decision: Decision, asked: Asked): Answer {
    const filled = changesNothing(decision.changes) ? this.#fill(decision, asked) : undefined;
    if (filled === undefined) return encodeAnswer(decision, asked, this.#mask);
    // The sum of both parts: protobuf merges messages that are one behind the other.
    const carried = decision.carried.length === 0 ? undefined : encodeCarried(decision, this.#mask);
    const bytes = carried === undefined ? filled : Buffer.concat([filled, carried.bytes]);
    if (decision.verdict !== "allowed")
      sealRefusal(bytes, refusalCode(decision.verdict, decision.response?.status ?? 0));
    return { bytes, leftOut: carried?.leftOut ?? 0 };
  }

  /** @returns undefined where the answer has no form. */
  #fill(decision: Decision, asked: Asked): Buffer | undefined {
    const { verdict, response, rule, decisionId } = decision;
    if (response !== undefined && response.constant !== true) return undefined;
    const form = this.#formOf(decision, verdict !== "allowed" && asked.grpc);
    if (form.blank === undefined || form.idLength !== decisionId.length) this.#make(form, decision, asked);
    const behind = rule === undefined ? NOTHING : this.#ruleOf(rule.rule);
    if (form.blank === "no room" || form.blank === undefined || behind === undefined) return undefined;
    return filledIn(form.blank, behind, decision);
  }

  #formOf({ verdict, reason, response }: Decision, grpc: boolean): Form {
    let forms = this.#byResponse.get(response);
    if (forms === undefined) {
      forms = [];
      this.#byResponse.set(response, forms);
    }
    for (let index = 0; index < forms.length; index++) {
      const form = forms[index];
      if (form?.verdict === verdict && form.reason === reason && form.grpc === grpc) return form;
    }
    const fresh: Form = { verdict, reason, grpc, idLength: 0, blank: undefined };
    forms.push(fresh);
    return fresh;
  }

  #make(form: Form, decision: Decision, asked: Asked): void {
    if (form.blank !== undefined && form.blank !== "no room") this.#bytes -= form.blank.bytes.length;
    const blank = blankOf({ ...decision, rule: undefined }, asked, this.#mask);
    const fits = this.#bytes + blank.bytes.length <= MAX_FORM_BYTES;
    if (fits) this.#bytes += blank.bytes.length;
    form.idLength = decision.decisionId.length;
    form.blank = fits ? blank : "no room";
  }

  /** @returns undefined where there is no room for it. */
  #ruleOf(name: string): Buffer | undefined {
    const known = this.#rules.get(name);
    if (known !== undefined) return known;
    const made = encodeRule(name);
    if (this.#bytes + made.length > MAX_FORM_BYTES) return undefined;
    this.#bytes += made.length;
    this.#rules.set(name, made);
    return made;
  }
}

const NOTHING = Buffer.alloc(0);

/** What an answer is kept for. */
interface Form {
  readonly verdict: Decision["verdict"];
  readonly reason: Decision["reason"];
  readonly grpc: boolean;
  idLength: number;
  blank: Blank | "no room" | undefined;
}

/** An encoded answer, and where in it stands what differs. */
interface Blank {
  readonly bytes: Buffer;
  readonly idAt: number;
  readonly tookAt: number;
}

const DOUBLE_BYTES = 8;
/** Two times that differ in every byte. */
const TIMES = [
  Buffer.alloc(DOUBLE_BYTES, 0x40).readDoubleLE(),
  Buffer.alloc(DOUBLE_BYTES, 0x41).readDoubleLE(),
] as const;

/** Encodes the answer as any other, so that a form is none of its own; what differs stands where two differ that differ in it alone. */
function blankOf(decision: Decision, asked: Asked, mask: Mask): Blank {
  const length = decision.decisionId.length;
  const encode = (letter: string, tookUs: number): Uint8Array =>
    encodeAnswer({ ...decision, decisionId: letter.repeat(length), tookUs, carried: [] }, asked, mask).bytes;
  const bytes = Buffer.from(encode("a", TIMES[0]));
  return {
    bytes,
    idAt: differenceOf(bytes, encode("b", TIMES[0]), length),
    tookAt: differenceOf(bytes, encode("a", TIMES[1]), DOUBLE_BYTES),
  };
}

/** @returns where the bytes begin in which two answers differ: so many, one behind the other, and no other. */
function differenceOf(one: Uint8Array, other: Uint8Array, length: number): number {
  const start = one.findIndex((byte, at) => byte !== other[at]);
  const expected = one.every((byte, at) => (byte !== other[at]) === (at >= start && at < start + length));
  if (one.length !== other.length || (length > 0 && start < 0) || !expected)
    throw new Error("two answers differ in more than what was changed");
  return start;
}

const LAST_ASCII = 0x7f;

/** @returns undefined for an id that takes other bytes than characters. */
function filledIn(
  { bytes, idAt, tookAt }: Blank,
  behind: Buffer,
  { decisionId, tookUs }: Decision,
): Buffer | undefined {
  const filled = Buffer.allocUnsafe(bytes.length + behind.length);
  filled.set(bytes);
  filled.set(behind, bytes.length);
  for (let index = 0; index < decisionId.length; index++) {
    const unit = decisionId.charCodeAt(index);
    if (unit > LAST_ASCII) return undefined;
    filled[idAt + index] = unit;
  }
  filled.writeDoubleLE(tookUs, tookAt);
  return filled;
}

/** `responseRemove` is for the native API alone. */
function changesNothing(changes: Changes): boolean {
  return (
    changes === NO_CHANGES ||
    (changes.requestSet.length === 0 &&
      changes.requestAdd.length === 0 &&
      changes.requestRemove.length === 0 &&
      changes.responseSet.length === 0 &&
      changes.responseAdd.length === 0 &&
      changes.querySet.length === 0 &&
      changes.queryRemove.length === 0)
  );
}
