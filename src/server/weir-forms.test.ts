import { describe, expect, test } from "vitest";
import { CheckResponse } from "#proto/weir/v1/check";
import { decision } from "../../test/server/fakes.ts";
import { type Decision, type DirectResponse, NO_CHANGES, NOT_REUSABLE } from "../engine/decision.ts";
import { STATUS } from "../wire/door.ts";
import { encodeDecision } from "./weir-answer.ts";
import { DecisionForms } from "./weir-forms.ts";

const RESPONSE: DirectResponse = { status: 403, headers: [["x-why", "frozen"]], body: "no" };
const rule = (name: string) => ({ rule: name, file: "shop.yaml", line: 7 });
const limit = { reference: rule("p/a"), granted: 1n, remaining: 2n, max: 3n, retryAfterMs: undefined } as const;

/** Decisions of every kind, some of which differ from request to request in more than their id. */
const DECISIONS: Readonly<Record<string, Partial<Decision>>> = {
  "an allow": {},
  "an allow by another rule": { rule: rule("shop/other") },
  "an allow without a rule": { rule: undefined, reason: "unmatched" },
  "a refusal": { verdict: "denied", response: RESPONSE },
  "a refusal as not logged in": { verdict: "denied", response: { ...RESPONSE, status: 401 } },
  "what could not be decided": { verdict: "undecided", reason: "deny-error", response: RESPONSE },
  "an incomplete one": { verdict: "undecided", reason: "incomplete", detail: "`a.b` is missing", response: RESPONSE },
  "an allow with changes": { changes: { ...NO_CHANGES, requestSet: [["x-a", "1"]] } },
  "one that may be used again": { validity: { forMs: 1_000, uses: 2, referenced: [] } },
  "one that was charged": { limits: [{ ...limit, verdict: "allowed", reason: "limit", validity: NOT_REUSABLE }] },
};

describe("answers of one snapshot", () => {
  test("say what they would without forms, each time and whatever came between them", () => {
    const forms = new DecisionForms();
    for (let round = 0; round < 4; round++) {
      for (const [what, changed] of Object.entries(DECISIONS)) {
        const made = decision({ ...changed, decisionId: `id-${round}-${what.length}` });
        expect(CheckResponse.fromBinary(forms.encode(made, [])), what).toEqual(
          CheckResponse.fromBinary(encodeDecision(made, [])),
        );
      }
    }
  });

  test("have the refusal of this request where a rule's differ", () => {
    const forms = new DecisionForms();
    for (const body of ["a", "a", "b", "b", "b", "a"]) {
      const made = decision({ verdict: "denied", response: { ...RESPONSE, body } });
      const { directResponse, statusCode } = CheckResponse.fromBinary(forms.encode(made, []));
      expect([directResponse?.body, statusCode]).toEqual([body, STATUS.permissionDenied]);
    }
  });

  test("that ask for quotas have an answer to each", () => {
    const forms = new DecisionForms();
    const quotas = [{ name: "p/a", amount: 1n, bestEffort: false }];
    for (let round = 0; round < 3; round++) {
      expect(CheckResponse.fromBinary(forms.encode(decision(), quotas)).quotas).toHaveLength(1);
    }
  });

  test("have any id", () => {
    const forms = new DecisionForms();
    for (const decisionId of ["a", "é".repeat(3), "x".repeat(500), "", "b"]) {
      expect(CheckResponse.fromBinary(forms.encode(decision({ decisionId }), [])).decisionId).toBe(decisionId);
    }
  });
});
