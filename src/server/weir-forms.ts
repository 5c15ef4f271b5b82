import { type Decision, NO_CHANGES } from "../engine/decision.ts";
import type { RequestedQuota } from "../engine/engine.ts";
import { encodeDecision } from "./weir-answer.ts";

/** Bytes that the forms of one snapshot may take together; what has none is encoded each time. */
const MAX_FORM_BYTES = 8 * 1024 * 1024;

/** Of one rule: allowed or denied, and undecided. */
const MAX_FORMS_PER_RULE = 4;

/**
 * The answers of one snapshot, encoded once for each rule where nothing but the decision's id differs from request to request: an allow without
 * changes or limits, and a refusal whose response is the same for each request. The id is put behind them: the order of fields means nothing.
 */
export class DecisionForms {
  readonly #byRule = new Map<string, Form[]>();
  #bytes = 0;

  encode(decision: Decision, quotas: readonly RequestedQuota[]): Uint8Array {
    const filled = isUsual(decision, quotas) ? this.#fill(decision) : undefined;
    return filled ?? encodeDecision(decision, quotas);
  }

  /** @returns undefined where the answer has no form. */
  #fill(decision: Decision): Buffer | undefined {
    const { response, decisionId } = decision;
    if (response !== undefined && response.constant !== true) return undefined;
    const form = this.#formOf(decision);
    if (form === undefined) return undefined;
    form.bytes ??= this.#make(decision);
    return form.bytes && withId(form.bytes, decisionId);
  }

  #formOf({ verdict, reason, rule, response }: Decision): Form | undefined {
    const name = rule === undefined ? "" : rule.rule;
    let forms = this.#byRule.get(name);
    if (forms === undefined) {
      forms = [];
      this.#byRule.set(name, forms);
    }
    for (let index = 0; index < forms.length; index++) {
      const form = forms[index];
      if (form?.verdict === verdict && form.reason === reason && form.response === response) return form;
    }
    if (forms.length >= MAX_FORMS_PER_RULE) return undefined;
    const fresh: Form = { verdict, reason, response, bytes: undefined };
    forms.push(fresh);
    return fresh;
  }

  /** Encoded as any other, so that no refusal becomes a form that is none: `encodeDecision` sees to it. */
  #make(decision: Decision): Uint8Array | undefined {
    const bytes = encodeDecision({ ...decision, decisionId: "" }, []);
    if (this.#bytes + bytes.length > MAX_FORM_BYTES) return undefined;
    this.#bytes += bytes.length;
    return bytes;
  }
}

/** What an answer is kept for. */
interface Form {
  readonly verdict: Decision["verdict"];
  readonly reason: Decision["reason"];
  readonly response: Decision["response"];
  /** Undefined where there is no room for it. */
  bytes: Uint8Array | undefined;
}

/** Whether nothing of the answer but its id comes from this request. What it says of a missing attribute does. */
function isUsual({ changes, limits, validity, reason }: Decision, quotas: readonly RequestedQuota[]): boolean {
  return (
    changes === NO_CHANGES &&
    limits.length === 0 &&
    quotas.length === 0 &&
    validity.forMs <= 0 &&
    reason !== "incomplete"
  );
}

/** `decision_id` of a CheckResponse. */
const DECISION_ID = (7 << 3) | 2;
const LAST_ASCII = 0x7f;
/** Lengths below are one byte. */
const MAX_ID_LENGTH = 0x7f;

/** @returns undefined for an id that takes other bytes than characters, or many. */
function withId(form: Uint8Array, decisionId: string): Buffer | undefined {
  const { length } = decisionId;
  if (length > MAX_ID_LENGTH) return undefined;
  const filled = Buffer.allocUnsafe(form.length + 2 + length);
  filled.set(form);
  filled[form.length] = DECISION_ID;
  filled[form.length + 1] = length;
  for (let index = 0; index < length; index++) {
    const unit = decisionId.charCodeAt(index);
    if (unit > LAST_ASCII) return undefined;
    filled[form.length + 2 + index] = unit;
  }
  return filled;
}
