import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  ABSENT,
  type CelValue,
  Cidr,
  Duration,
  IpAddress,
  Optional,
  Timestamp,
  TypeValue,
  Uint,
} from "../attribute/value.ts";
import { identityOf } from "./identity.ts";
import { equal } from "./values.ts";

const SMALL = fc.constantFrom(-1, 0, 1, 2, 2 ** 53, 2 ** 63, 2 ** 64);

const scalar: fc.Arbitrary<CelValue> = fc.oneof(
  SMALL.filter((number) => Math.abs(number) < 2 ** 63).map(BigInt),
  SMALL.filter((number) => number >= 0 && number < 2 ** 64).map((number) => new Uint(BigInt(number))),
  SMALL,
  fc.constantFrom(0.5, -0, 1e300, Number.POSITIVE_INFINITY, Number.NaN),
  fc.constantFrom("", "1", "#1", "a,b", "3:abc", "abc", ")", "null"),
  fc.constantFrom("", "1", "#1", "a,b").map((text) => new Uint8Array(Buffer.from(text))),
  fc.constantFrom(true, false, null),
  fc.constantFrom(0n, 1n).map((nanos) => new Timestamp(nanos)),
  fc.constantFrom(0n, 1n).map((nanos) => new Duration(nanos)),
  fc.constantFrom("int", "uint").map((name) => new TypeValue(name)),
  fc.constantFrom(0n, 1n).chain((bits) => fc.constantFrom<4 | 6>(4, 6).map((family) => new IpAddress(family, bits))),
  fc.constantFrom(8, 16).map((prefix) => new Cidr(new IpAddress(4, 1n), prefix)),
  fc.constantFrom(0n).map(() => new Optional(ABSENT)),
);

const key: fc.Arbitrary<CelValue> = fc.constantFrom<CelValue>("a", "1", true, 1n, new Uint(2n));

const value = fc.letrec<{ any: CelValue }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalar,
    fc.array(tie("any"), { maxLength: 3 }),
    fc.array(fc.tuple(key, tie("any")), { maxLength: 3 }).map((entries) => new Map(entries)),
    tie("any").map((inner) => new Optional(inner)),
  ),
})).any;

test("values have the same identity exactly when they are equal", () => {
  fc.assert(
    fc.property(value, value, (a, b) => {
      const identity = identityOf(a);
      expect(identity !== undefined && identity === identityOf(b)).toBe(equal(a, b));
    }),
    { numRuns: 20_000, seed: 20_260_101 },
  );
});

test("a copy of a value has its identity, unless it holds NaN", () => {
  fc.assert(
    fc.property(value, (a) => {
      const identity = identityOf(a);
      expect(identity === undefined || identity === identityOf(copyOf(a))).toBe(true);
    }),
    { numRuns: 2_000, seed: 20_260_101 },
  );
});

test("integers that one double stands for are told apart", () => {
  const [a, b] = [9007199254740992n, 9007199254740993n].map(identityOf);
  expect(a).not.toBe(b);
  expect(identityOf(9007199254740992)).toBe(a);
});

/** The same value in other objects, entries of maps in another order. */
function copyOf(original: CelValue): CelValue {
  if (Array.isArray(original)) return original.map(copyOf);
  if (original instanceof Map) {
    return new Map([...original].toReversed().map(([name, inner]) => [name, copyOf(inner)]));
  }
  if (original instanceof Optional && original.value !== ABSENT) return new Optional(copyOf(original.value));
  return original;
}
