/** The report of a run as a person opens it: from disk, in a real browser. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openBundle } from "../trainer/bundle-reader.ts";
import { complaintsOf, hasChromium, launchChromium, withoutChromium } from "./browser.ts";
import { picturesTraining, pointsTraining, runCli, runsIn } from "./small-runs.ts";

const root = mkdtempSync(join(tmpdir(), "imle-report-"));
afterAll(() => rmSync(root, { recursive: true }));

const TRAININGS = { pictures: picturesTraining, points: pointsTraining };
const bundleOf = (kind: string) => join(root, kind, "model");

beforeAll(async () => {
  for (const [kind, training] of Object.entries(TRAININGS)) {
    const args = [...training(join(root, kind)), "--steps", "120", "--out", "model"];
    expect(await runCli("train", join(root, kind), ...args)).toMatchObject({ status: 0, stderr: "" });
  }
});

describe.each(Object.keys(TRAININGS))("the report of %s", (kind) => {
  test("lies in the run folder, and the same in the bundle, whose manifest has its hash", async () => {
    const { manifest, read } = await openBundle(bundleOf(kind));
    const entry = manifest.files.find(({ path }) => path === "report.html")!;
    expect(entry.bytes).toBeLessThan(5e6);
    const inBundle = Buffer.from(await read("report.html")); // checks the hash
    expect(inBundle).toEqual(readFileSync(join(runsIn(join(root, kind))[0]!, "report.html")));
  });

  test("doesn't tell where the data lay, and holds no number that is none", () => {
    const html = readFileSync(join(bundleOf(kind), "report.html"), "utf8");
    expect(html).not.toContain(root);
    expect(html).not.toMatch(/>[^<]*\b(NaN|undefined|Infinity|\[object)/);
  });

  test("results.json tells programs what came of the run", () => {
    const results = JSON.parse(readFileSync(join(runsIn(join(root, kind))[0]!, "results.json"), "utf8"));
    expect(results).toMatchObject({
      metrics: { coverage: expect.any(Number) },
      realData: { coverage: expect.any(Number) },
      coverage: { nearerShare: expect.any(Number), matchDistance: { p50: expect.any(Number) } },
      audit: { samples: { count: 500 } },
    });
  });
});

describe.skipIf(!hasChromium)(`in Chromium${withoutChromium}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  /** Opens a file; whatever the page complains of or asks for is in the lists. */
  async function open(file: string, colorScheme: "light" | "dark", width: number) {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
    const page = await context.newPage();
    const complaints = complaintsOf(page);
    const requests: string[] = [];
    page.on("request", (request) => {
      if (!request.url().startsWith("data:")) requests.push(request.url());
    });
    const url = pathToFileURL(file).href;
    await page.goto(url);
    return { page, complaints, requests, url, close: () => context.close() };
  }

  const pictures = (page: Page) =>
    page
      .locator("img")
      .evaluateAll((all: { alt: string; naturalWidth: number }[]) =>
        all.map(({ alt, naturalWidth }) => ({ alt, naturalWidth })),
      );

  describe.each(Object.keys(TRAININGS))("%s", (kind) => {
    test.each([
      ["light", 1280],
      ["dark", 320],
    ] as const)("opens from disk: %s, %i pixels wide", async (scheme, width) => {
      const { page, complaints, requests, url, close } = await open(
        join(bundleOf(kind), "report.html"),
        scheme,
        width,
      );
      for (const heading of ["Samples", "How training went", "Coverage", "Metrics", "The run"]) {
        expect(await page.getByRole("heading", { name: heading, exact: true }).count(), heading).toBe(1);
      }
      for (const { alt, naturalWidth } of await pictures(page)) {
        expect(alt).not.toBe("");
        expect(naturalWidth, alt).toBeGreaterThan(0);
      }
      const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
      expect(overflow).toBeLessThanOrEqual(0);
      // With every table shown.
      await page.locator("details").evaluateAll((all: { open: boolean }[]) => {
        for (const each of all) each.open = true;
      });
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map(({ id, nodes }) => [id, nodes[0]!.html])).toEqual([]);
      expect([complaints, requests]).toEqual([[], [url]]);
      await close();
    });

    test("its slider goes through the pictures of the run, by keyboard too", async () => {
      const { page, close } = await open(join(bundleOf(kind), "report.html"), "light", 800);
      const shown = page.locator(".frames img:visible");
      const kept = readdirSync(join(runsIn(join(root, kind))[0]!, "samples")).length;
      const slider = page.getByRole("slider");
      expect(await page.locator(".frames img").count()).toBe(kept);
      expect(await shown.getAttribute("alt")).toBe("Samples at step 120");
      await slider.press("Home");
      expect(await shown.getAttribute("alt")).toBe("Samples at step 0");
      expect(await page.locator(".frames output").textContent()).toBe("step 0");
      await slider.press("ArrowRight");
      expect(await shown.getAttribute("alt")).toMatch(/^Samples at step [1-9]/);
      expect(await slider.getAttribute("aria-valuetext")).toMatch(/^step [1-9]/);
      await close();
    });
  });
});
