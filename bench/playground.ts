/** `npm run bench -- playground`: how long people wait for samples on the page, and what the page weighs. */

import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Browser, chromium, type Page } from "playwright-core";
import { startServer } from "../cli/workerd.ts";
import { writeRandomBundle } from "./edge-bundles.ts";
import { MLP } from "./models.ts";
import { type Benchmark, type BenchmarkRow, interquartileRange, median } from "./row.ts";

const CHROMIUM = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
const VISITS = 9;
const SEEDS = 25;

/** Chromium, at 1280 × 860, on raw workerd; an MLP of 2.5 M weights in int8. */
export const benchPlayground: Benchmark = async (report, { wants, quick }) => {
  const asked = (row: string) => wants(`playground/${row}`);
  if (!["first-samples-ms", "new-seed-ms", "page-gzip-bytes"].some(asked)) return [];
  if (!existsSync(CHROMIUM)) {
    report(`playground: left out, because there is no ${CHROMIUM}; set CHROMIUM_PATH.`);
    return [];
  }
  const folder = await mkdtemp(join(tmpdir(), "imle-bench-playground-"));
  const bundle = join(folder, "mlp");
  await writeRandomBundle(bundle, { name: "mlp", model: MLP, seed: 1, dtype: "int8", trainCount: 5_000 });
  const server = await startServer({ bundles: [bundle] });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--headless", "--no-sandbox"] });
  try {
    const visits = [];
    for (let i = 0; i < (quick ? 1 : VISITS); i++) visits.push(await visit(browser, server.url));
    const [{ gzipBytes }] = visits as [Visit];
    const rows = [
      timed(
        "first-samples-ms",
        visits.map(({ firstSamplesMs }) => firstSamplesMs),
      ),
    ];
    if (asked("new-seed-ms")) {
      rows.push(timed("new-seed-ms", await newSeeds(browser, server.url, quick ? 2 : SEEDS)));
    }
    rows.push({ ...timed("page-gzip-bytes", [gzipBytes]), unit: "bytes" });
    return rows.filter(({ name }) => wants(name));
  } finally {
    await browser.close();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
};

interface Visit {
  readonly firstSamplesMs: number;
  /** Of all that came but the model, until the browser draws by itself. */
  readonly gzipBytes: number;
}

/** Somebody's first visit, with nothing cached, to a warm server. */
async function visit(browser: Browser, url: string): Promise<Visit> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
  const bodies: Promise<Buffer>[] = [];
  page.on("response", (response) => {
    if (response.ok() && !/\.bin\b/.test(response.url())) bodies.push(response.body());
  });
  await page.goto(url, { waitUntil: "commit" });
  await page.locator("#samples canvas").first().waitFor();
  const firstSamplesMs = await page.evaluate("performance.now()");
  await drawnByBrowser(page);
  const sizes = (await Promise.all(bodies)).map((body) => gzipSync(body).byteLength);
  await page.context().close();
  return { firstSamplesMs: firstSamplesMs as number, gzipBytes: sizes.reduce((sum, each) => sum + each, 0) };
}

/** The wall grows by itself once the embed is there. */
const drawnByBrowser = (page: Page) => page.locator("#samples canvas").nth(200).waitFor();

/** From pressing the button to the frame with the first 64 samples, in milliseconds, the browser drawing. */
async function newSeeds(browser: Browser, url: string, count: number): Promise<number[]> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
  await page.goto(url);
  await drawnByBrowser(page);
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    times.push((await page.evaluate(PRESS_AND_WAIT)) as number);
    await page.waitForTimeout(500); // the rest of the wall
  }
  await page.context().close();
  return times;
}

/** Runs on the page. */
const PRESS_AND_WAIT = `new Promise((resolve) => {
  const box = document.querySelector("#samples");
  const start = performance.now();
  const observer = new MutationObserver(() => {
    if (box.ariaBusy !== "false") return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
  });
  observer.observe(box, { attributes: true });
  document.querySelector("#new-seed").click();
})`;

function timed(name: string, values: readonly number[]): BenchmarkRow {
  return {
    name: `playground/${name}`,
    value: median(values),
    unit: "ms",
    spread: interquartileRange(values),
    ...{ peer: null, peerValue: null, ratio: null },
  };
}
