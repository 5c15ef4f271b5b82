import { describe, expect, test } from "vitest";
import { CheckRequest } from "#proto/envoy/service/auth/v3/external_auth";
import { seeded } from "../../bench/check/random.ts";
import { authzMessage, nativeMessage, requestMeeting, requestsAbout } from "../../bench/check/requests.ts";
import { editionRule, policyFiles, RULES_PER_FILE, ruleAt } from "../../bench/check/rule-sets.ts";
import { examined } from "../engine/folder.ts";

const VARIANTS = ["identity", "header"] as const;
const RULES = 250;

describe.each(VARIANTS)("the rules that are measured, by %s", (variant) => {
  const files = policyFiles({ rules: RULES, variant });

  test("are policies without an error, in files of a hundred", () => {
    const { plan, diagnostics } = examined(Object.fromEntries(files));
    expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(plan?.policies).toHaveLength(3);
    expect(files.get("policy-000.yaml")?.match(/^ {2}- (?:allow|deny): /gmu)).toHaveLength(RULES_PER_FILE);
  });

  test("are the same each time", () => {
    expect(policyFiles({ rules: RULES, variant })).toEqual(files);
  });

  test("differ between editions in one file, which then allows what it did not", () => {
    const edited = policyFiles({ rules: RULES, variant }, 3);
    const changed = [...edited].filter(([name, text]) => files.get(name) !== text);
    expect(changed.map(([name]) => name)).toEqual(["policy-002.yaml"]);
    expect(changed[0]?.[1]).toContain(editionRule(3).pathPrefix);
    expect(examined(Object.fromEntries(edited)).diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  });
});

describe("the requests that are measured", () => {
  test("have the size and the headers of a recorded one", () => {
    const messages = requestsAbout(1_000, 50).map(authzMessage);
    const mean = messages.reduce((sum, { length }) => sum + length, 0) / messages.length;
    expect(mean).toBeGreaterThan(1_100);
    expect(mean).toBeLessThan(1_400);
    for (const message of messages) {
      expect(CheckRequest.fromBinary(message).attributes?.request?.http?.headers).toHaveLength(19);
    }
  });

  test("are no two alike, and the same each time", () => {
    const messages = requestsAbout(1_000, 500).map((asked) => Buffer.from(authzMessage(asked)).toString("latin1"));
    expect(new Set(messages).size).toBe(500);
    expect(requestsAbout(1_000, 5).map(nativeMessage)).toEqual(requestsAbout(1_000, 5).map(nativeMessage));
  });

  test("are allowed as often as not", () => {
    const allowed = requestsAbout(10_000, 2_000).filter(({ expected }) => expected === "allowed").length;
    expect(allowed).toBeGreaterThan(900);
    expect(allowed).toBeLessThan(1_100);
  });

  test("meet the rule they are made for", () => {
    const rule = ruleAt(19);
    const asked = requestMeeting(rule, seeded(1));
    expect(rule.effect).toBe("deny");
    expect(asked).toMatchObject({ expected: "denied", host: rule.host, principal: rule.principal });
    expect(asked.path.startsWith(rule.pathPrefix)).toBe(true);
  });
});
