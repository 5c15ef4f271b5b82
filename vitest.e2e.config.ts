import { defineConfig } from "vitest/config";

/** Tests that start real processes: they run `dist`, one file after the other. */
export default defineConfig({
  test: {
    include: ["test/e2e/**/*.test.ts", "test/flood/**/*.test.ts", "test/tools/package.test.ts"],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: ["default", "json"],
    outputFile: { json: ".cache/results/e2e.json" },
  },
});
