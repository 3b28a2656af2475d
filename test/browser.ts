/** A real browser for tests of pages, where there is one. */

import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";

const chromiumPath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
export const hasChromium = existsSync(chromiumPath);
/** For the names of suites. */
export const withoutChromium = hasChromium ? "" : ` (skipped: no ${chromiumPath}; set CHROMIUM_PATH)`;

/** Chromium's own GPU in software, which pages get only if they ask for it. */
export const SOFTWARE_GPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

/** @param flags more of Chromium's, say SOFTWARE_GPU */
export function launchChromium(...flags: readonly string[]): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-background-networking",
      // Chromium takes pages that Playwright fulfils for ones from the Internet, which may not ask this machine.
      "--disable-features=LocalNetworkAccessChecks",
      ...flags,
    ],
  });
}

/** What the page says on its console, and what it throws, from now on. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() !== "log") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  return complaints;
}
