import { expect, test } from "vitest";
import { joinExpositions } from "./exposition.ts";

test("one text stays as it is, but for its last line end", () => {
  expect(joinExpositions(["# anything\na 1"])).toBe("# anything\na 1\n");
  expect(joinExpositions([])).toBe("");
});

test("a family that several texts have comes once, with the series of all", () => {
  const text = (handler: string) => `# HELP up Up.\n# TYPE up gauge\nup{handler="${handler}"} 1\n`;
  expect(joinExpositions([text("a"), text("b")])).toBe(
    '# HELP up Up.\n# TYPE up gauge\nup{handler="a"} 1\nup{handler="b"} 1\n',
  );
});

test("a series that several texts have is the first one's", () => {
  const text = (value: number) => `# TYPE a counter\na{x="} 9"} ${value}\n`;
  expect(joinExpositions([text(1), text(2)])).toBe('# TYPE a counter\na{x="} 9"} 1\n');
});

test("the parts of a histogram stay with it", () => {
  const histogram = '# HELP h H.\n# TYPE h histogram\nh_bucket{le="+Inf"} 1\nh_sum 2\nh_count 1\n';
  expect(joinExpositions([histogram, "# TYPE a counter\na 1\n", histogram])).toBe(
    `${histogram}# TYPE a counter\na 1\n`,
  );
});

test("a text that contradicts an earlier one about a type loses that family's samples, and nothing else", () => {
  const joined = joinExpositions(["# TYPE a counter\na 1\n", '# TYPE a gauge\na{x="y"} 5\n# TYPE b gauge\nb 2\n']);
  expect(joined).toBe("# TYPE a counter\na 1\n# TYPE b gauge\nb 2\n");
});
