import { existsSync } from "node:fs";
import { defineConfig } from "vitest/config";

// Where there is no GPU, Chromium brings one in software, and the Vulkan loader that finds it.
const chromium = "/usr/lib/chromium";
if (!existsSync("/dev/dri") && existsSync(`${chromium}/vk_swiftshader_icd.json`)) {
  process.env["VK_ICD_FILENAMES"] ??= `${chromium}/vk_swiftshader_icd.json`;
  process.env["LD_LIBRARY_PATH"] ??= chromium;
}

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    // Training, workerd and Chromium share two cores; more workers only make each other slower.
    maxWorkers: 2,
  },
});
