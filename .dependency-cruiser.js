/**
 * The arrows of docs/architecture.md. A room may import any room below it in this list; the exceptions are the rules
 * further down. Tests may import anything. test/tools/arrows.test.ts plants one violation of every rule.
 */
export const ROOMS = [
  "cli",
  "workers",
  "admin",
  "server",
  "verify",
  "engine",
  "report",
  "adapter-host",
  "snapshot",
  "policy",
  "expression",
  "attribute",
  "traffic",
  "wire",
  "client",
  "telemetry",
  "diagnostics",
  "adapter",
];

const TESTS = "\\.test\\.ts$";
const room = (...names) => `^src/(${names.join("|")})/`;
/** One npm package, wherever the module resolver found it. */
const npm = (...names) => `node_modules/(${names.join("|")})/`;

const downwards = ROOMS.slice(1)
  // The client has a stricter rule of its own.
  .filter((name) => name !== "client")
  .map((name) => ({
    name: `downwards-from-${name}`,
    comment: `${name} may import only the rooms below it in docs/architecture.md.`,
    severity: "error",
    from: { path: room(name), pathNot: TESTS },
    to: { path: room(...ROOMS.slice(0, ROOMS.indexOf(name))) },
  }));

const forbid = (name, comment, from, to) => ({ name, comment, severity: "error", from, to });

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    ...downwards,
    forbid(
      "client-alone",
      "The client is a library for others: it brings nothing of the engine but wire.",
      { path: room("client"), pathNot: TESTS },
      { path: "^src/", pathNot: room("client", "wire") },
    ),
    forbid(
      "wire-users",
      "Only these rooms speak gRPC, and only through wire.",
      { path: "^src/.+/", pathNot: [room("wire", "server", "client", "cli", "adapter-host", "workers"), TESTS] },
      { path: room("wire") },
    ),
    forbid(
      "expression-by-its-index",
      "Other rooms know what expression does by its index.ts; the types behind it stand in its files.",
      { path: "^src/", pathNot: [room("expression"), TESTS] },
      { path: room("expression"), pathNot: "^src/expression/index\\.ts$", dependencyTypesNot: ["type-only"] },
    ),
    forbid(
      "main-is-the-end",
      "main.ts starts the process; nothing builds on it.",
      { pathNot: "^test/" },
      { path: "^src/main\\.ts$" },
    ),
    forbid(
      "known-rooms",
      "A new room needs its place in the list above and in docs/architecture.md.",
      {},
      { path: "^src/", pathNot: [room(...ROOMS), "^src/main\\.ts$"] },
    ),
    forbid(
      "adapters-use-the-sdk",
      "An adapter imports weir-mesh/adapter and its own npm dependencies, like anybody else's.",
      { path: "^adapters/" },
      { path: "^(src|proto|deploy)/", pathNot: "^src/adapter/(testing/)?index\\.ts$" },
    ),
    forbid(
      "adapters-apart",
      "Adapters do not know each other.",
      { path: "^adapters/([^/]+)/" },
      { path: "^adapters/", pathNot: "^adapters/$1/" },
    ),
    forbid(
      "adapters-by-name",
      "The engine loads adapters named in config; it knows none.",
      { path: "^src/", pathNot: TESTS },
      { path: "^adapters/" },
    ),
    forbid(
      "deploy-is-the-end",
      "Nothing but tests imports deploy.",
      { pathNot: ["^(deploy|test)/"] },
      { path: "^deploy/" },
    ),
    forbid("tests-are-the-end", "Nothing imports a test.", { pathNot: ["^test/", TESTS] }, { path: ["^test/", TESTS] }),
    forbid(
      "generated-code",
      "Only wire and server read generated code.",
      { path: "^(src|adapters)/", pathNot: [room("wire", "server"), TESTS] },
      { path: "^proto/gen/" },
    ),
    forbid(
      "protobuf-runtime",
      "Only wire, server and generated code know protobuf-ts.",
      { path: "^(src|adapters)/", pathNot: [room("wire", "server"), TESTS] },
      { path: npm("@protobuf-ts") },
    ),
    forbid(
      "grpc-js",
      "Only wire knows grpc-js.",
      { path: "^(src|adapters)/", pathNot: [room("wire"), TESTS] },
      { path: npm("@grpc", "grpc-health-check") },
    ),
    forbid(
      "re2js",
      "Only expression matches authored patterns.",
      { path: "^(src|adapters)/", pathNot: [room("expression"), TESTS] },
      { path: npm("re2js") },
    ),
    forbid(
      "yaml",
      "Only policy reads YAML.",
      { path: "^(src|adapters)/", pathNot: [room("policy"), TESTS] },
      { path: npm("yaml") },
    ),
    forbid(
      "commander",
      "Only main.ts and cli read the command line.",
      { path: "^(src|adapters)/", pathNot: ["^src/main\\.ts$", room("cli"), TESTS] },
      { path: npm("commander") },
    ),
    forbid(
      "dev-dependencies",
      "What ships must not need what only development installs.",
      { path: "^(src|adapters)/", pathNot: TESTS },
      { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["npm"] },
    ),
    forbid("resolvable", "An import must lead somewhere.", {}, { couldNotResolve: true }),
    forbid("no-cycles", "A cycle has no place to start reading.", {}, { circular: true }),
  ],
  options: {
    doNotFollow: { path: ["node_modules", "^dist/"] },
    exclude: { path: "^(dist|\\.cache)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["weir-source", "types", "import", "node", "default"],
    },
  },
};
