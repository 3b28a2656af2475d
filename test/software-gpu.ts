/**
 * Where there is no GPU, Chromium brings one in software (SwiftShader) and the loader that finds it. Imported
 * before an engine starts, it makes them this process's, and its children's.
 */

import { existsSync } from "node:fs";
import { constants } from "node:os";

const CHROMIUM = "/usr/lib/chromium";
/** glibc's RTLD_NODELETE: Node unloads what isn't an addon, and Dawn shall find it loaded. */
const KEEP_LOADED = 0x1000;

if (!existsSync("/dev/dri") && existsSync(`${CHROMIUM}/vk_swiftshader_icd.json`)) {
  process.env["VK_ICD_FILENAMES"] ??= `${CHROMIUM}/vk_swiftshader_icd.json`;
  process.env["LD_LIBRARY_PATH"] ??= CHROMIUM;
  try {
    process.dlopen(
      { exports: {} } as NodeJS.Module,
      `${CHROMIUM}/libvulkan.so.1`,
      constants.dlopen.RTLD_LAZY | KEEP_LOADED,
    );
  } catch {
    // It says that it is no addon; it is loaded.
  }
}
