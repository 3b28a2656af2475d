import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { AxeBuilder } from "@axe-core/playwright";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodePng } from "../shared/png.ts";
import { resolveConfig } from "../trainer/config.ts";
import { createRunFolder } from "../trainer/run/run-folder.ts";
import { hasChromium, launchChromium, withoutChromium } from "./browser.ts";
import { runCli } from "./small-runs.ts";

const root = mkdtempSync(join(tmpdir(), "imle-compare-"));
afterAll(() => rmSync(root, { recursive: true }));

const spread = (p50: number) => ({
  mean: p50,
  p5: p50 / 2,
  p25: p50 / 1.5,
  p50,
  p75: p50 * 1.5,
  p95: p50 * 2,
});

/** A run folder as a training leaves it: its loss falls from `loss` to a tenth. */
async function writeRun(name: string, loss: number, set: string[], results: object | null): Promise<void> {
  const run = await createRunFolder(resolveConfig("ring", { set }), root);
  for (const [i, stepCount] of [100, 200, 300].entries()) {
    const value = loss / 10 ** (i / 2);
    await run.record({
      stepCount,
      elapsedSeconds: stepCount / 10,
      loss: value,
      learningRate: 1e-3,
      samplesPerSecond: 1234.5,
    });
    const data = new Uint8Array(64).fill(stepCount / 2);
    const picture = encodePng({ width: 8, height: 8, channels: 1, data });
    const matchDistance = spread(value * 2);
    await run.observe({ stepCount, elapsedSeconds: 1, matchDistance, realDistance: null, picture });
  }
  if (results) await run.conclude("", results);
  run.close();
  renameSync(run.path, join(root, name));
}

beforeAll(async () => {
  await writeRun("short", 1, ["generator.hidden=[256,256]"], {
    metrics: { precision: 0.5, parzenNats: 3, parzenNatsError: 0.1 },
    realData: { precision: 0.9 },
    coverage: { nearerShare: 0.25 },
    audit: { alpha: 0.01, samples: { count: 500, copies: 0.002 } },
  });
  await writeRun("wide", 4, ["generator.hidden=[512]", "optimiser.learningRate=0.01"], null);
});

/** Cells of a line of the table. */
const cells = (line: string) => line.trim().split(/ {3,}/);

test("puts results and what differs in the configurations in a table, and all of it on a page", async () => {
  const { status, stdout, stderr } = await runCli("compare", root, "short", "wide");
  expect([status, stderr]).toEqual([0, ""]);
  const lines = stdout.split("\n").map(cells);
  for (const line of [
    ["short", "wide"],
    ["objective", "rs-imle", "rs-imle"],
    ["steps", "300", "300"],
    ["training took", "30s", "30s"],
    ["loss", "0.1", "0.4"],
    ["match distance of training examples, median", "0.2", "0.8"],
    // An unfinished run has no results yet.
    ["nearer to training examples than real ones", "25 %"],
    ["Parzen log-likelihood, nats", "3.00 ± 0.10"],
    ["precision, k = 5", "0.5000"],
    ["samples called copies", "0.2 %"],
    ["generator.hidden", "[256,256]", "[512]"],
    ["optimiser.learningRate", "0.002", "0.01"],
  ]) {
    expect(lines).toContainEqual(line);
  }
  expect(stdout).not.toContain("batchSize");

  const html = readFileSync(join(root, "comparison.html"), "utf8");
  expect(stdout).toContain("/comparison.html");
  expect(html.match(/<img /g)?.length).toBe(2);
  expect(html.match(/<svg /g)?.length).toBe(2);
  expect(html).toContain("Loss over steps: short from 1 to 0.1; wide from 4 to 0.4.");
  for (const text of ["[512]", "25 %", "3.00 ± 0.10"]) expect(html).toContain(text);
});

test.skipIf(!hasChromium)(
  `the page is for everybody, and as narrow as a phone${withoutChromium}`,
  async () => {
    const browser = await launchChromium();
    const context = await browser.newContext({ viewport: { width: 320, height: 800 }, colorScheme: "dark" });
    const page = await context.newPage();
    await page.goto(pathToFileURL(join(root, "comparison.html")).href);
    await page.locator("details").evaluateAll((all: { open: boolean }[]) => {
      for (const each of all) each.open = true;
    });
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id, nodes }) => [id, nodes[0]!.html])).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(320);
    await browser.close();
  },
);

test("runs alike differ in nothing; the page goes where --out says", async () => {
  const { stdout } = await runCli("compare", root, "short", "./short", "--out", "alike.html");
  expect(stdout).not.toContain("configurations differ");
  expect(readFileSync(join(root, "alike.html"), "utf8")).toContain("They don't.");
});

test("names come out as text, whatever they are", async () => {
  const name = '<img src=x onerror="alert(1)">';
  await writeRun(name, 1, [], null);
  await runCli("compare", root, name, "wide", "--out", "names.html");
  const html = readFileSync(join(root, "names.html"), "utf8");
  expect(html).not.toContain("<img src=x");
  expect(html).toContain("&lt;img src=x");
});

test.each([
  [["short"], "compare: expected two run folders or more, got 1. Give some of runs/*."],
  [["short", "nowhere"], "compare: nowhere: is not a run folder (no run.json). Give one of runs/*."],
  [["short", "old"], /^compare: old\/run\.json: \S+: .+ Give a run of this version of the program\.$/],
  [
    ["short", "wide", "--out", "no/where.html"],
    /^compare: --out: no\/where\.html can't be written \(ENOENT\)/,
  ],
] as const)("%j is refused in a line", async (args, message) => {
  mkdirSync(join(root, "old"), { recursive: true });
  writeFileSync(join(root, "old/run.json"), "{}");
  const { status, stderr } = await runCli("compare", root, ...args);
  expect(status).toBe(2);
  if (typeof message === "string") expect(stderr.trim()).toBe(message);
  else expect(stderr.trim()).toMatch(message);
});
