/** The playground in a real browser. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { decode } from "fast-png";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startServer } from "../cli/workerd.ts";
import { type EdgeClient, jsonOf, startEdge } from "./edge-client.ts";

const chromiumPath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
const hasChromium = existsSync(chromiumPath);
const reason = hasChromium ? "" : ` (skipped: no ${chromiumPath}; set CHROMIUM_PATH)`;

describe.skipIf(!hasChromium)(`the playground in Chromium${reason}`, () => {
  let edge: EdgeClient;
  let browser: Browser;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    edge = await startEdge();
    browser = await chromium.launch({
      executablePath: chromiumPath,
      args: ["--headless", "--no-sandbox", "--disable-background-networking"],
    });
  });
  afterAll(async () => {
    await browser?.close();
    await edge?.close();
  });

  beforeEach(async () => {
    complaints = [];
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.on("console", (message) => {
      if (message.type() !== "log") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
  });
  afterEach(() => page.close());

  const samples = () => page.locator("#samples .sample, #samples .point");
  const verdict = () => page.locator(".verdict");
  const ready = () => page.locator('#samples[aria-busy="false"]').waitFor();

  test("draws samples, shows the nearest training examples of one, and takes a new seed", async () => {
    await page.goto(`${edge.url}/?seed=7`);
    await ready();
    expect(await samples().count()).toBe(48);

    await samples().nth(3).click();
    await verdict().waitFor();
    expect(await verdict().textContent()).toMatch(/^(A copy|Close to one|Novel)$/);
    expect(await page.locator("#note").textContent()).toContain("no privacy guarantee");
    expect(await page.locator(".numbers").textContent()).toMatch(/p-value[\d.]+/);
    const neighbours = page.locator(".neighbours img");
    expect(await neighbours.count()).toBe(5);
    // Functions, not strings: a page whose policy forbids `eval` may complain about those.
    const widths = () =>
      page
        .locator("img")
        .evaluateAll((all: { naturalWidth: number }[]) => all.map((each) => each.naturalWidth));
    await expect.poll(async () => new Set(await widths())).toEqual(new Set([28]));
    expect(await neighbours.first().getAttribute("src")).toContain(`?v=${edge.grey.version}`);

    await page.click("#new-seed");
    await verdict().waitFor({ state: "detached" });
    await ready();
    const seed = await page.inputValue("#seed");
    expect(new URL(page.url()).searchParams.get("seed")).toBe(seed);
    expect(seed).not.toBe("7");
    await page.goBack();
    await expect.poll(() => page.inputValue("#seed")).toBe("7");
    expect(complaints).toEqual([]);
  });

  test("shows the same picture of a sample as the server draws", async () => {
    await page.goto(`${edge.url}/?seed=7`);
    await ready();
    // The button is a window on the grid; at the model's own size its pixels are the sample's.
    await samples()
      .nth(10)
      // biome-ignore lint/suspicious/noExplicitAny: runs in the browser, whose types tests don't have
      .evaluate((button: any) => {
        const size = { width: "28px", height: "28px", border: 0, borderRadius: 0 };
        Object.assign(button.style, { position: "fixed", top: 0, left: 0, ...size });
        button.parentElement.replaceChildren(button);
      });
    const { samples: drawn } = await jsonOf(await edge.get("/sample?n=48&seed=7&format=json"));
    const { pixels } = drawn[10];
    const largestDifference = async () => {
      const shown = await page.screenshot({ clip: { x: 0, y: 0, width: 28, height: 28 } });
      const { data, channels } = decode(new Uint8Array(shown));
      return Math.max(...(pixels as number[]).map((pixel, i) => Math.abs(pixel - data[i * channels]!)));
    };
    // Asked again until the browser has painted; up to 1, because it places the window in fractions.
    await expect.poll(largestDifference, { timeout: 10_000 }).toBeLessThanOrEqual(1);
  });

  test("works by keyboard alone, at 320 pixels, in the dark", async () => {
    await page.setViewportSize({ width: 320, height: 640 });
    await page.emulateMedia({ colorScheme: "dark" });
    await page.goto(`${edge.url}/?seed=7`);
    await ready();
    await page.locator("#new-seed").focus();
    await page.keyboard.press("Tab"); // the temperature
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await verdict().waitFor();
    expect(await samples().first().getAttribute("aria-pressed")).toBe("true");
    const overflow = await page
      .locator("html")
      .evaluate((html: { scrollWidth: number; clientWidth: number }) => html.scrollWidth - html.clientWidth);
    expect(overflow).toBe(0);
    expect(complaints).toEqual([]);
  });

  test("plots vectors, with their neighbours, and changes models", async () => {
    await page.goto(edge.url);
    await page.locator("#models option").first().waitFor({ state: "attached" });
    await page.selectOption("#models", "plane");
    await page.waitForURL(/\/models\/plane\//);
    await ready();
    expect(await samples().count()).toBe(64);
    await samples().nth(5).focus();
    await page.keyboard.press("Enter");
    await verdict().waitFor();
    expect(await page.locator(".training circle").count()).toBe(5);
    expect(complaints).toEqual([]);
  });

  test("a model without training examples only draws", async () => {
    await page.goto(`${edge.url}/models/bare/`);
    await ready();
    expect(await page.locator("#detail").isVisible()).toBe(false);
    await samples().first().click();
    expect(complaints).toEqual([]);
  });

  test("says what is wrong with a seed, and recovers", async () => {
    await page.goto(`${edge.url}/?seed=7`);
    await ready();
    await page.fill("#seed", "seven");
    await page.keyboard.press("Enter");
    await page.locator("#error").waitFor();
    expect(await page.locator("#error").textContent()).toContain("whole number");
    await page.fill("#seed", "8");
    await page.keyboard.press("Enter");
    await page.locator("#error").waitFor({ state: "hidden" });
  });

  test("says that the server is gone", async () => {
    const server = await startServer({ bundles: [join(edge.folder, "grey")] });
    await page.goto(server.url);
    await ready();
    await server.close();
    await page.click("#new-seed");
    await page.locator("#error").waitFor();
    expect(await page.locator("#error").textContent()).toBe("The server can't be reached.");
  });
});
