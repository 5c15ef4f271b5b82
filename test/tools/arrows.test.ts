import { expect, test } from "vitest";
import * as z from "zod";
import { plant, ROOT } from "./plant.ts";

const settings = z.object({
  ROOMS: z.array(z.string()),
  default: z.object({ forbidden: z.array(z.object({ name: z.string() })) }),
});
const { ROOMS, default: config } = settings.parse(await import(`${ROOT}.dependency-cruiser.js`));

const report = z.object({
  summary: z.object({
    violations: z.array(z.object({ from: z.string(), to: z.string(), rule: z.object({ name: z.string() }) })),
  }),
});

/** Every room below the top one reaches up to its neighbour. The client has a rule of its own. */
const upwards = ROOMS.slice(1)
  .map((room, index) => [`downwards-from-${room}`, `src/${room}/up.ts`, `../${ROOMS[index]}/index.ts`] as const)
  .filter(([rule]) => rule !== "downwards-from-client");

/** The rule, the file that breaks it, and what that file imports. */
const violations: readonly (readonly [rule: string, file: string, target: string])[] = [
  ...upwards,
  ["client-alone", "src/client/engine.ts", "../telemetry/index.ts"],
  ["wire-users", "src/engine/speaks.ts", "../wire/index.ts"],
  ["expression-by-its-index", "src/cli/inside.ts", "../expression/values.ts"],
  ["main-is-the-end", "src/cli/main.ts", "../main.ts"],
  ["known-rooms", "src/cli/unknown.ts", "../util/index.ts"],
  ["adapters-use-the-sdk", "adapters/log/inside.ts", "../../src/diagnostics/index.ts"],
  ["adapters-use-the-sdk", "adapters/log/inner.test.ts", "../../src/adapter/inner.ts"],
  ["adapters-apart", "adapters/log/apart.ts", "../statsd/index.ts"],
  ["adapters-by-name", "src/cli/adapters.ts", "weir-mesh/adapters/log"],
  ["deploy-is-the-end", "src/cli/deploy.ts", "../../deploy/demo/main.ts"],
  ["tests-are-the-end", "src/cli/tests.ts", "../../test/fixture.ts"],
  ["generated-code", "src/engine/generated.ts", "#proto/weir/v1/weir"],
  ["protobuf-runtime", "src/engine/protobuf.ts", "@protobuf-ts/runtime"],
  ["grpc-js", "src/server/grpc.ts", "@grpc/grpc-js"],
  ["re2js", "src/policy/re2.ts", "re2js"],
  ["yaml", "src/verify/yaml.ts", "yaml"],
  ["commander", "src/admin/commander.ts", "commander"],
  ["dev-dependencies", "adapters/log/dev.ts", "fast-check"],
  ["resolvable", "src/cli/nowhere.ts", "./nothing.ts"],
  ["no-cycles", "src/cli/round-again.ts", "./round.ts"],
];

/** What the same rules let through. */
const allowed: readonly (readonly [file: string, target: string])[] = [
  ["src/client/wire.ts", "../wire/index.ts"],
  ["src/server/generated.ts", "#proto/weir/v1/weir"],
  ["src/wire/grpc.ts", "@grpc/grpc-js"],
  ["src/expression/patterns.ts", "re2js"],
  ["src/policy/yaml.ts", "yaml"],
  ["src/adapter-host/wire.ts", "../wire/index.ts"],
  ["src/main.ts", "./cli/index.ts"],
  ["src/engine/down.test.ts", "../server/index.ts"],
  ["adapters/log/sdk.ts", "weir-mesh/adapter"],
  ["adapters/log/sdk.test.ts", "weir-mesh/adapter/testing"],
  ["adapters/log/npm.ts", "zod"],
  ["deploy/demo/main.ts", "../../src/server/index.ts"],
  ["test/fixture.ts", "../deploy/demo/main.ts"],
];

test("every arrow is refused where it points the wrong way, and only there", async () => {
  using plot = plant({
    ...Object.fromEntries(ROOMS.map((room) => [`src/${room}/index.ts`, "export {};\n"])),
    "src/adapter/testing/index.ts": "export {};\n",
    "src/adapter/inner.ts": "export {};\n",
    "src/expression/values.ts": "export type Size = number;\n",
    "src/cli/typed.ts": 'import type { Size } from "../expression/values.ts";\nexport type Sizes = readonly Size[];\n',
    "src/util/index.ts": "export {};\n",
    "src/cli/round.ts": 'import "./round-again.ts";\n',
    "adapters/log/index.ts": "export {};\n",
    "adapters/statsd/index.ts": "export {};\n",
    "proto/gen/weir/v1/weir.js": "export {};\n",
    "proto/gen/weir/v1/weir.d.ts": "export {};\n",
    ...Object.fromEntries(violations.map(([, file, target]) => [file, `import "${target}";\n`])),
    ...Object.fromEntries(allowed.map(([file, target]) => [file, `import "${target}";\n`])),
  });
  const folders = ["src", "adapters", "deploy", "test", "proto/gen"];
  const flags = ["--config", ".dependency-cruiser.js"];
  const { output } = await plot.run("depcruise", ...flags, "--output-type", "json", ...folders);
  const found = report.parse(JSON.parse(output)).summary.violations.map(({ rule, from }) => `${rule.name} ${from}`);
  expect(new Set(found)).toEqual(new Set(violations.map(([rule, file]) => `${rule} ${file}`)));
  expect(new Set(violations.map(([rule]) => rule))).toEqual(new Set(config.forbidden.map(({ name }) => name)));
  expect((await plot.run("depcruise", ...flags, ...folders)).code).not.toBe(0);
});
