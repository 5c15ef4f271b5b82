import { expect, test } from "vitest";
import { foldedForms } from "./folded-forms.ts";
import { FUNCTIONS } from "./registry.ts";

function shown(name: string): readonly string[] {
  const row = FUNCTIONS.find((one) => one.name === name);
  return foldedForms(row?.signatures ?? []).map(({ text, types }) => [text, ...types].join(" | "));
}

test.each([
  ["_<_", ["X < X: bool | bool | string | bytes | timestamp | duration", "number < number: bool"]],
  ["_*_", ["X * X: X | double | int | uint"]],
  [
    "_+_",
    [
      "X + X: X | bytes | double | duration | int | list(V) | string | uint",
      "duration + timestamp: timestamp",
      "timestamp + duration: timestamp",
    ],
  ],
  [
    "size",
    ["size(X): int | string | bytes | list(V) | map(K, V)", "X.size(): int | string | bytes | list(V) | map(K, V)"],
  ],
  ["int", ["int(X): int | int | uint | double | string | timestamp | duration"]],
  ["sort", ["list(X).sort(): list(X) | int | uint | double | bool | duration | timestamp | string | bytes"]],
  ["_in_", ["V in list(V): bool", "K in map(K, V): bool"]],
  ["-_", ["-double: double", "-int: int"]],
  [
    "math.least",
    [
      "math.least(X): X | double | int | uint",
      "math.least(X, X): X | double | int | uint",
      "math.least(number, number): dyn",
      "math.least(list(X)): X | double | int | uint",
    ],
  ],
])("overloads that differ in one type alone are one form: %s", (name, forms) => {
  expect(shown(name)).toEqual(forms);
});

test("every overload is one of its function's forms", () => {
  const lost = FUNCTIONS.filter(({ signatures }) => {
    const written = foldedForms(signatures).flatMap(({ text, types }) =>
      types.length === 0 ? numbersOf(text) : types.map((type) => text.replaceAll("X", type)),
    );
    return signatures.some((signature) => !written.includes(signature));
  });
  expect(lost.map(({ name }) => name)).toEqual([]);
});

function numbersOf(text: string): readonly string[] {
  if (!text.includes("number")) return [text];
  return ["int", "uint", "double"].flatMap((one) => numbersOf(text.replace("number", one)));
}
