import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Machines that build many things at once are slow.
    testTimeout: 120_000,
    coverage: { include: ["src/**"], reporter: ["text-summary", "json-summary"] },
  },
});
