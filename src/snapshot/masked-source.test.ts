import { describe, expect, test } from "vitest";
import { MASKED, maskOf } from "../attribute/mask.ts";
import type { AttributeSource } from "../attribute/source.ts";
import { ABSENT, type CelValue, Invalid, type Outcome } from "../attribute/value.ts";
import { maskedSource } from "./masked-source.ts";

const HEADERS = 0;
const SLOTS = [{ slot: HEADERS, name: "request.headers" }];
const AUTHORIZATION = maskOf(["request.headers.authorization"]);
const NOT_TEXT = new Invalid("not UTF-8");

describe("a masked source", () => {
  test("shows a masked key as masked and its neighbours as they are", () => {
    const source = maskedSource(headers({ authorization: "Bearer x", "x-case": "1" }), SLOTS, AUTHORIZATION);
    expect(source.readKey(HEADERS, "authorization")).toBe(MASKED);
    expect(source.readKey(HEADERS, "x-case")).toBe("1");
    expect(source.readKey(HEADERS, "x-none")).toBe(ABSENT);
  });

  test("does not make an error of one key the error of another", () => {
    const source = maskedSource(headers({ "x-odd": NOT_TEXT, "x-case": "1" }), SLOTS, AUTHORIZATION);
    expect(source.readKey(HEADERS, "x-case")).toBe("1");
    expect(source.readKey(HEADERS, "x-odd")).toBe(NOT_TEXT);
    expect(source.readKey(HEADERS, "authorization")).toBe(ABSENT);
  });

  test("shows nothing of a map that is masked as a whole", () => {
    const mask = maskOf(["request.headers", "request.headers.x-deep.inside"]);
    const deep = new Map([["outside", "1"]]);
    const source = maskedSource(headers({ "x-case": "1", "x-deep": deep }), SLOTS, mask);
    expect(source.readKey(HEADERS, "x-case")).toBe(MASKED);
    expect(source.readKey(HEADERS, "x-deep")).toBe(MASKED);
    expect(source.readKey(HEADERS, "x-none")).toBe(ABSENT);
    expect(source.entries(HEADERS)).toBe(ABSENT);
    expect(source.read(HEADERS)).toBe(MASKED);
  });
});

function headers(values: Readonly<Record<string, CelValue | Invalid>>): AttributeSource {
  const readKey = (_slot: number, key: string): Outcome =>
    Object.hasOwn(values, key) ? (values[key] ?? ABSENT) : ABSENT;
  const whole = (): ReadonlyMap<CelValue, CelValue> | Invalid => {
    const entries = Object.entries(values);
    const fine = entries.flatMap(([key, value]) => (value instanceof Invalid ? [] : [[key, value] as const]));
    return fine.length < entries.length ? NOT_TEXT : new Map(fine);
  };
  return { read: whole, readKey, entries: whole };
}
