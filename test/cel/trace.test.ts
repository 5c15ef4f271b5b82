import { isDeepStrictEqual } from "node:util";
import { expect, test } from "vitest";
import { link, linkTraced } from "../../src/expression/index.ts";
import { casesOf, FILES, Oracle, textOf } from "./oracle.ts";

test("whatever is evaluated is the same when it is traced", () => {
  const oracle = new Oracle();
  const differing = FILES.flatMap((file) => casesOf(file)).flatMap((one) => {
    const compiled = oracle.compile(one);
    if (!compiled.ok) return [];
    const evaluate = link(compiled.plan, oracle);
    const trace = linkTraced(compiled.plan, oracle);
    return (one.runs ?? []).flatMap(({ a }) => {
      const plain = evaluate(oracle.frameOf(a));
      const { outcome } = trace(oracle.frameOf(a));
      return isDeepStrictEqual(plain, outcome) ? [] : [{ e: textOf(one), a, plain, outcome }];
    });
  });
  expect(differing).toEqual([]);
});
