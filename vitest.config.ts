import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    // Training, workerd and Chromium share two cores; more workers only make each other slower.
    maxWorkers: 2,
    // What pages do takes as long as the other tests let it.
    expect: { poll: { timeout: 20_000 } },
  },
});
