import { execFile } from "node:child_process";
import { describe, expect, test } from "vitest";
import { inCheckout } from "../../deploy/root.ts";
import { WITHOUT_ENVOY } from "./support/envoy.ts";

const LIMIT_MS = 90_000;

describe.skipIf(WITHOUT_ENVOY)("the demo with a real Envoy", () => {
  test(
    "shows every request, what decided it, an edit, an error, and telemetry that agrees with Envoy's own counters",
    async () => {
      const { code, output } = await demo({ WEIR_DEMO_ENVOY: "required" });
      expect(code, output).toBe(0);
      expect(output).toContain("Envoy 1.40.0 stands in front of two services");
      for (const [request, answer] of ANSWERS) expect(rowOf(output, request), output).toMatch(answer);
      expect(output).toMatch(/limited: request 14 was told “Slow down\. \(retry after \d+ s\)”/u);
      expect(output).toMatch(/before \(\w+\): 403, denied by orders\/frozen-accounts \(shop\/orders\.yaml:17\)/u);
      expect(output).toMatch(/after {2}\(\w+\): 200, allowed by orders\/customers-see-their-own/u);
      expect(output).toContain("shop/orders.yaml:15:25 error P1201: unknown attribute `request.metod`");
      expect(caretColumn(output)).toBe(lineWith(output, "15 |").indexOf("request.metod"));
      expect(output).toContain("the last good one: 200, allowed");
      const requests = sent(output);
      // Three witnesses: the metrics of a policy, Weir's own, and Envoy's.
      expect(sum(output, /^ {2}requests_total\{.*\} (?<value>\d+)$/gmu)).toBe(requests);
      expect(sum(output, /^ {2}weir_decisions_total\{.*\} (?<value>\d+)$/gmu)).toBe(requests);
      expect(sum(output, /^ {2}http\.shop\.ext_authz\.(?:ok|denied) (?<value>\d+)$/gmu)).toBe(requests);
      expect(output).toContain("http.shop.ext_authz.error 0");
      expect(sum(output, /weir_decisions_total\{.*verdict="allowed".*\} (?<value>\d+)$/gmu)).toBe(
        sum(output, /http\.shop\.ext_authz\.ok (?<value>\d+)$/gmu),
      );
      expect(output).toContain(`Spans, from OTLP bodies received (${requests}, `);
      expect(output).toMatch(/GET \/catalogue\/shoes +[\d.]+ ms +allowed +catalogue\/everybody-reads +…0001/u);
    },
    LIMIT_MS,
  );
});

describe("the demo without Envoy", () => {
  const none = { WEIR_ENVOY: "/nonexistent/envoy" };

  test(
    "says so in one sentence and drives the same traffic through the stand-in",
    async () => {
      const { code, output } = await demo(none);
      expect(code, output).toBe(0);
      expect(output.split("\n")[0]).toMatch(/^WEIR_ENVOY names .*; going on with a small built-in stand-in\.$/u);
      expect(output).toContain("the built-in stand-in stands in front of two services");
      expect(rowOf(output, "ann orders again")).toMatch(/ 200 +allowed /u);
      expect(rowOf(output, "a fourth time")).toMatch(/ 429 +limited +orders\/orders-per-customer /u);
      expect(rowOf(output, "a stranger is not")).toMatch(/ 403 +denied +unmatched/u);
      expect(sum(output, /^ {2}requests_total\{.*\} (?<value>\d+)$/gmu)).toBe(sent(output));
    },
    LIMIT_MS,
  );

  test(
    "fails where Envoy is required, with the sentence that says how to get it",
    async () => {
      const { code, output, errors } = await demo({ ...none, WEIR_DEMO_ENVOY: "required" });
      expect(code).toBe(1);
      expect(output).toBe("");
      expect(errors.trim().split("\n")).toEqual([
        expect.stringMatching(/^WEIR_ENVOY names .*: correct it, or unset it/u),
      ]);
    },
    LIMIT_MS,
  );
});

/** What the client was answered and what decided, by what the row is about. */
const ANSWERS: readonly (readonly [about: string, row: RegExp])[] = [
  ["anybody may look", / 200 +allowed +catalogue\/everybody-reads +shop\/catalogue\.yaml:7$/u],
  ["by a path that Envoy tidies up", / 200 +allowed +catalogue\/everybody-reads /u],
  ["a draft is not for sale", / 404 +denied +catalogue\/drafts /u],
  ["a way around that", / 404 +denied +catalogue\/drafts /u],
  ["ann looks at her orders", / 200 +allowed +orders\/customers-see-their-own /u],
  ["bob looks at ann's", / 403 +denied +unmatched$/u],
  ["support looks", / 200 +allowed +orders\/support-reads-everything /u],
  ["nobody we know", / 403 +denied +unmatched$/u],
  ["by way of the catalogue", / 403 +denied +unmatched$/u],
  ["a fourth time", / 429 +limited +orders\/orders-per-customer +shop\/orders\.yaml:\d+$/u],
  ["bob has a limit of his own", / 200 +allowed /u],
  ["a frozen account", / 403 +denied +orders\/frozen-accounts /u],
  ["bytes that are no text", / 403 +undecided +orders\/frozen-accounts /u],
  ["mallory", / 403 +denied +blocked\/blocked-accounts /u],
  ["the service breaks the connection", / 503 +allowed /u],
  ["ann is greeted", / 200 grpc 0 +allowed +greeter\/signed-in /u],
  ["a stranger is not", / 200 grpc 7 +denied +unmatched$/u],
];

interface Shown {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** It must end by itself, and have ended what it started: its own Envoy and Weir die with it or it would not end. */
function demo(env: Readonly<Record<string, string>>): Promise<Shown> {
  const options = { env: { ...process.env, ...env }, timeout: LIMIT_MS };
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [inCheckout("dist/deploy/demo/main.js")],
      options,
      (_error, output, errors) => resolve({ code: child.exitCode, output, errors }),
    );
  });
}

/** Those of the table, those of the edit and the error, and as many as the mix that goes on has. */
function sent(output: string): number {
  const more = /The mix goes on for 2 seconds: (?<count>\d+) requests, answered /u.exec(output)?.groups?.["count"];
  expect(Number(more), output).toBeGreaterThan(20);
  return 24 + Number(more);
}

function rowOf(output: string, about: string): string {
  return lineWith(output, about).trimEnd();
}

function lineWith(output: string, text: string): string {
  return output.split("\n").find((line) => line.includes(text)) ?? "";
}

function caretColumn(output: string): number {
  return (
    output
      .split("\n")
      .find((line) => /^\s+\|\s+\^+$/u.test(line))
      ?.indexOf("^") ?? -1
  );
}

function sum(output: string, pattern: RegExp): number {
  return [...output.matchAll(pattern)].reduce((total, match) => total + Number(match.groups?.["value"]), 0);
}
