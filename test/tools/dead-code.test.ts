import { expect, test } from "vitest";
import { plant } from "./plant.ts";

const used = {
  "bin/weir.js": 'await import("../dist/src/main.js");\n',
  "src/main.ts": 'import { render } from "./diagnostics/index.ts";\nrender();\n',
  "src/diagnostics/index.ts": "export function render(): void {\n  console.log(1);\n}\n",
};
const only = ["--include", "files,exports,unlisted"];

test("knip passes code that something uses", async () => {
  using plot = plant(used);
  expect(await plot.run("knip", "--no-config-hints", ...only)).toMatchObject({ code: 0 });
});

test("knip refuses a file, an export, a package and a listed dependency that nobody uses or lists", async () => {
  using plot = plant({
    ...used,
    "src/diagnostics/dead.ts": "export const dead = 1;\n",
    "src/diagnostics/index.ts": `${used["src/diagnostics/index.ts"]}export const deadExport = 1;\n`,
    "src/main.ts": `${used["src/main.ts"]}await import("unlisted-package");\n`,
  });
  const { code, output } = await plot.run("knip");
  expect(output).toMatch(/Unused files[\s\S]*src\/diagnostics\/dead\.ts/);
  expect(output).toMatch(/Unused exports[\s\S]*deadExport/);
  expect(output).toMatch(/Unlisted dependencies[\s\S]*unlisted-package/);
  expect(output).toMatch(/Unused dependencies[\s\S]*re2js/);
  expect(code).toBe(1);
});
