import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CheckResponse } from "#proto/envoy/service/auth/v3/external_auth";
import { decision } from "../../test/server/fakes.ts";
import { maskOf } from "../attribute/mask.ts";
import { type Decision, type DirectResponse, NO_CHANGES } from "../engine/decision.ts";
import { type Asked, encodeAnswer } from "./ext-authz-answer.ts";
import { AnswerForms } from "./ext-authz-forms.ts";

const MASK = maskOf(["context.token"]);

function asked(grpc: boolean): Asked {
  return { grpc, query: "", hasHeader: () => false };
}

/** Responses are the same object each time, as those of rules without `${}` are. */
const RESPONSES: readonly DirectResponse[] = [
  { status: 403, headers: [], body: "", constant: true },
  { status: 401, headers: [["www-authenticate", "Bearer"]], body: "log in", constant: true },
  { status: 429, headers: [["grpc-status", "5"]], body: "aaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbb", constant: true },
  { status: 599, headers: [], body: "é".repeat(500), constant: true },
];

const anyDecision: fc.Arbitrary<Decision> = fc
  .record({
    verdict: fc.constantFrom("allowed", "denied", "limited", "undecided"),
    reason: fc.constantFrom("rule", "unmatched", "deny-error"),
    rule: fc.option(fc.constantFrom("shop/readers", "shop/writers", "ä/ö"), { nil: undefined }),
    response: fc.constantFrom(...RESPONSES),
    fresh: fc.boolean(),
    decisionId: fc.oneof(
      fc.stringMatching(/^[a-z0-9]{1,8}-[a-z0-9]{1,6}$/),
      fc.constantFrom("", "ä-1", "a".repeat(200)),
    ),
    tookUs: fc.oneof(fc.nat(), fc.double({ noNaN: true })),
    changes: fc.constantFrom(NO_CHANGES, { ...NO_CHANGES }, { ...NO_CHANGES, requestRemove: ["x-user"] }),
    carried: fc.constantFrom<Decision["carried"][]>(
      [],
      [{ name: "request.auth.subject", value: "ana" }],
      [{ name: "context", value: new Map([["token", "secret"]]) }],
      [{ name: "a", value: "x".repeat(5_000) }],
    ),
  })
  .map(({ rule, response, fresh, ...rest }) => {
    const { status, headers, body } = response;
    const refusal = fresh ? { status, headers, body: `${body}!` } : response;
    return decision({
      ...rest,
      rule: rule === undefined ? undefined : { rule, file: "shop.yaml", line: 7 },
      ...(rest.verdict === "allowed" ? { response: undefined } : { response: refusal, changes: NO_CHANGES }),
    });
  });

describe("an answer by a form", () => {
  test("says exactly what encoding it says, whatever was answered before", () => {
    const property = fc.property(fc.array(fc.tuple(anyDecision, fc.boolean()), { maxLength: 40 }), (answers) => {
      const forms = new AnswerForms(MASK);
      // Each twice more: forms are made of what comes again.
      for (const [made, grpc] of [...answers, ...answers, ...answers]) {
        const fast = forms.encode(made, asked(grpc));
        const slow = encodeAnswer(made, asked(grpc), MASK);
        expect(CheckResponse.fromBinary(fast.bytes)).toEqual(CheckResponse.fromBinary(slow.bytes));
        expect(fast.leftOut).toBe(slow.leftOut);
      }
    });
    fc.assert(property, { numRuns: 150 });
  });

  test("is given to every decision that says the same, whichever rule decides", () => {
    const forms = new AnswerForms(MASK);
    const allowed = decision({ decisionId: "id-1" });
    const encoded = (made: Decision): number => {
      let looked = 0;
      const watched = new Proxy(made, {
        get(target, key) {
          if (key === "snapshot") looked++;
          return Reflect.get(target, key);
        },
      });
      forms.encode(watched, asked(false));
      return looked;
    };
    expect(encoded(allowed)).toBeGreaterThan(0);
    const rule = { rule: "other/rule", file: "other.yaml", line: 3 };
    expect([encoded(allowed), encoded({ ...allowed, decisionId: "id-2" }), encoded({ ...allowed, rule })]).toEqual([
      0, 0, 0,
    ]);
  });

  test("is not kept beyond what forms may take together", () => {
    const forms = new AnswerForms(MASK);
    const body = "x".repeat(60 * 1024);
    for (let rule = 0; rule < 300; rule++) {
      const denied = decision({
        verdict: "denied",
        rule: { rule: `p/${rule}`, file: "p.yaml", line: 1 },
        response: { status: 403, headers: [], body, constant: true },
      });
      for (let again = 0; again < 3; again++) forms.encode(denied, asked(false));
    }
    expect(forms.bytes).toBeGreaterThan(7 * 1024 * 1024);
    expect(forms.bytes).toBeLessThanOrEqual(8 * 1024 * 1024);
  });
});
