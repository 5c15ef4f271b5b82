import { defineConfig } from "vitest/config";

/**
 * Unit tests: they run the TypeScript source, `weir-mesh/adapter` included. Without vite's condition `module`: it becomes one of Node's, and
 * what some packages have there only a bundler can load.
 */
export default defineConfig({
  resolve: { conditions: ["weir-source", "node", "development|production"] },
  ssr: { resolve: { conditions: ["weir-source", "node", "development|production"] } },
  test: {
    include: ["src/**/*.test.ts", "adapters/**/*.test.ts", "deploy/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["test/e2e/**", "test/flood/**", "test/tools/package.test.ts", "**/node_modules/**"],
    execArgv: ["--conditions=weir-source"],
    testTimeout: 30_000,
    reporters: ["default", "json"],
    outputFile: { json: ".cache/results/unit.json" },
  },
});
