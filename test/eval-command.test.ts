import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { metricsTable } from "../cli/metrics-table.ts";
import { encodePng } from "../shared/png.ts";
import { createRandom } from "../shared/random.ts";
import { sliceRows } from "../trainer/data/dataset.ts";
import { loadDataset } from "../trainer/data/index.ts";
import { scanRows } from "../trainer/data/scan-rows.ts";
import { createEngine } from "../trainer/engine/index.ts";
import { evaluate, evaluateRealData } from "../trainer/evaluate.ts";
import { type BundleContent, writeBundle } from "../trainer/export/bundle.ts";
import { calibrate } from "../trainer/export/calibrate.ts";
import { createSeededSampler } from "../trainer/generators/frozen.ts";
import { METRICS } from "../trainer/metrics/index.ts";

const repository = fileURLToPath(new URL("..", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "imle-eval-"));
afterAll(() => rmSync(root, { recursive: true }));

/** Latents half as large: N(0, ¼ I) in the plane. */
const generator = {
  latentSize: 2,
  layers: [{ kind: "dense" as const, units: 2, activation: "linear" as const }],
  weights: { "dense0/kernel": new Float32Array([0.5, 0, 0, 0.5]), "dense0/bias": new Float32Array(2) },
};
const onRing = join(root, "on-ring");
const onFiles = join(root, "on-files");
/** On the ring, with its training examples. */
const withRows = join(root, "with-rows");
/** 2-dimensional, 3-dimensional: rows for `onFiles`, and rows that don't fit it. */
const planeCsv = join(root, "plane.csv");
const spaceCsv = join(root, "space.csv");
const ROWS = 400;

beforeAll(async () => {
  const ring = await loadDataset({ name: "ring", seed: 3 });
  const calibration = await calibrate(
    scanRows(ring.train, ring.shape),
    ring.train,
    sliceRows(ring.heldOut, 0, 500),
    0.01,
    () => {},
  );
  for (const [directory, data, check] of [
    [onRing, { name: "ring", path: null }, { train: null, calibration: null }],
    [onFiles, { name: null, path: "/elsewhere/plane.csv" }, { train: null, calibration: null }],
    [withRows, { name: "ring", path: null }, { train: ring.train, calibration }],
  ] as const) {
    const name = data.name ?? "plane";
    await writeFlatBundle(directory, {
      name: `on-${name}`,
      ...generator,
      output: { kind: "vector", shape: [2], range: null },
      data,
      trainCount: data.name ? 10_000 : 300,
      ...check,
    });
  }
  const random = createRandom(1);
  const csv = (columns: number) =>
    Array.from({ length: ROWS }, () => Array.from({ length: columns }, () => random.normal()).join()).join(
      "\n",
    );
  writeFileSync(planeCsv, csv(2));
  writeFileSync(spaceCsv, csv(3));
});

/** A bundle that says of its data what `data` says, without preview and report to speak of. */
function writeFlatBundle(
  directory: string,
  given: Pick<BundleContent, "name" | "latentSize" | "layers" | "weights" | "output"> &
    Partial<Pick<BundleContent, "train" | "calibration">> & {
      data: { name: string | null; path: string | null; stack?: number };
      trainCount?: number;
    },
): Promise<unknown> {
  const { data, trainCount = 10_000, ...content } = given;
  return writeBundle(directory, {
    labels: null,
    training: { objective: "none", engine: "none", seed: 3, steps: 0, config: { data } },
    dataset: { name: data.name ?? "plane", trainCount, heldOutCount: 0, testCount: 0 },
    metrics: {},
    train: null,
    calibration: null,
    siblings: null,
    index: null,
    preview: encodePng({ width: 1, height: 1, channels: 1, data: new Uint8Array(1) }),
    report: "<!doctype html><title>Report</title>",
    ...content,
  });
}

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(...args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const command = [join(repository, "cli/eval.ts"), ...args];
    execFile(process.execPath, command, { cwd: root }, (error, stdout, stderr) => {
      resolve({ status: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

/** Bad usage: status 2, nothing on stdout, one line that is no progress and matches. */
async function refuses(args: readonly string[], message: RegExp): Promise<void> {
  const { status, stdout, stderr } = await run(...args);
  const lines = stderr
    .trim()
    .split("\n")
    .filter((line) => !/ …$|^note: /.test(line));
  expect(lines).toEqual([expect.stringMatching(message)]);
  expect(stdout).toBe("");
  expect(status).toBe(2);
}

describe("npm run eval", () => {
  test("measures a bundle from its own files: the same figures as evaluate on its generator", async () => {
    const { status, stdout } = await run("on-ring", "--json", "--samples", "1000");
    expect(status).toBe(0);
    const { engine } = await createEngine("cpu");
    const sampler = await createSeededSampler(engine, generator);
    const dataset = await loadDataset({ name: "ring", seed: 3 });
    const request = { engine, dataset, seed: 3, sampleCount: 1000 };
    const metrics = await evaluate({ ...request, sample: sampler.sample });
    const realData = await evaluateRealData(request);
    await engine.dispose();
    const { version } = JSON.parse(readFileSync(join(onRing, "manifest.json"), "utf8"));
    expect(JSON.parse(stdout)).toEqual({
      model: `on-ring@${version}`,
      dataset: "ring",
      testCount: 2000,
      sampleCount: 1000,
      seed: 3,
      metrics,
      realData,
    });
  });

  test("shows a table, real data beside it, and progress on stderr", async () => {
    const { status, stdout, stderr } = await run(
      ...["on-ring", "--samples", "500", "--seed", "9", "--metrics", "modes, match-distance"],
    );
    expect(status).toBe(0);
    const [title, blank, heading, ...rows] = stdout.trimEnd().split("\n");
    expect(title).toMatch(
      /^on-ring@[0-9a-f]{16}: 500 samples \(seed 9\) against 2,000 test examples of ring$/,
    );
    expect(blank).toBe("");
    expect(heading).toMatch(/^ +model +real data$/);
    expect(rows.map((row) => row.split(/ {3,}/)[0])).toEqual([
      "modes covered",
      "modes in the data",
      "samples within 3σ of a mode, share",
      "match distance, L2",
      "match distance, 95th percentile",
    ]);
    expect(rows[0]).toMatch(/ 8$/);
    expect(rows[3]).toMatch(/\d ± \d.*\d ± \d/);
    expect(stderr).toMatch(/measuring modes …\n/);
    const alone = await run("on-ring", "--no-ceiling", "--samples", "50", "--metrics", "modes", "--json");
    expect(JSON.parse(alone.stdout)).not.toHaveProperty("realData");
  });

  test("audits a bundle that holds its training examples, beside real test examples", async () => {
    const json = await run("with-rows", "--json", "--no-ceiling", "--samples", "400");
    expect(json.status).toBe(0);
    const figures = (count: number) => ({
      count,
      copies: expect.any(Number),
      close: expect.any(Number),
      authentic: expect.any(Number),
    });
    expect(JSON.parse(json.stdout).audit).toEqual({
      samples: figures(400),
      fresh: figures(2000),
    });
    const { stdout } = await run("with-rows", "--no-ceiling", "--samples", "400");
    expect(stdout).toMatch(
      /\nMemorisation check, alpha 0\.01, calibrated on 500 held-out examples\n\n +samples +real test examples\nchecked +400 +2,000\ncopies of training examples +\d/,
    );
  });

  test("takes data from files, for a bundle that was trained on files", async () => {
    const { status, stdout, stderr } = await run(
      "on-files",
      "--data",
      planeCsv,
      "--json",
      "--samples",
      "100",
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ dataset: "plane", testCount: 40, sampleCount: 100 });
    expect(stderr).not.toContain("note:");
  });

  test("stacks images as the model's training did", async () => {
    const stacked = join(root, "stacked");
    await writeFlatBundle(stacked, {
      name: "on-stacked-glyphs",
      latentSize: 1,
      layers: [{ kind: "dense", units: 2352, activation: "sigmoid" }],
      weights: { "dense0/kernel": new Float32Array(2352), "dense0/bias": new Float32Array(2352) },
      output: { kind: "image", shape: [28, 28, 3], range: [0, 1] },
      data: { name: "glyphs", path: null, stack: 3 },
    });
    const { status, stdout } = await run(
      ...["stacked", "--json", "--samples", "20", "--metrics", "match-distance", "--no-ceiling"],
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ dataset: "stacked-glyphs", testCount: 2000 });
  });

  test("says so where the data can't be those that the model was trained on", async () => {
    const { status, stderr } = await run("on-ring", "--data", planeCsv, "--json", "--samples", "100");
    expect(status).toBe(0);
    expect(stderr).toMatch(/note: .*trained on 10000 examples of ring.*this data set has 300/);
  });

  test("refuses bad usage in one line, with status 2", async () => {
    await refuses([], /missing required argument 'bundle'/);
    await refuses(["on-ring", "--sample", "9"], /unknown option '--sample'.*--samples/);
    await refuses(["on-ring", "on-files"], /too many arguments/);
    for (const samples of ["0", "-1", "1e3", "2.5", "1000001", "many"]) {
      await refuses(["on-ring", "--samples", samples], /--samples.*whole number from 1 to 1000000/);
    }
    await refuses(["on-ring", "--seed", "9007199254740992"], /--seed.*whole number/);
    await refuses(["on-ring", "--engine", "abacus"], /no engine "abacus". Known: auto, .*cpu/);
    await refuses(["on-ring", "--metrics", "fid"], /no metric "fid". Known: parzen/);
    await refuses(["on-ring", "--samples", "5", "--metrics", "prdc"], /prdc: needs more than 5/);
  });

  test("refuses what it can't measure, in one line, with status 2", async () => {
    await refuses(["nowhere"], /nowhere\/manifest\.json: missing/);
    await refuses(["on-files"], /on-files: was trained on files \("plane"\).*--data DIR/);
    await refuses(["on-files", "--data", "nothing"], /nothing: no such file or folder/);
    await refuses(["on-files", "--data", spaceCsv], /vectors of 3, but on-files makes vectors of 2/);

    const weights = join(onFiles, "weights.0.bin");
    const bytes = readFileSync(weights);
    bytes[5]! ^= 1;
    writeFileSync(weights, bytes);
    await refuses(["on-files", "--data", planeCsv], /on-plane\/weights\.0\.bin: SHA-256.*altered/);
  });
});

describe("the table", () => {
  test("gives an error two digits, the value as many places, and lines numbers up", () => {
    const model = { parzenNats: 241.1929, parzenNatsError: 2.1303, parzenBandwidth: 0.1668, precision: 1 };
    const other = { parzenNats: -2.11447, parzenNatsError: 0.01468, precision: 0.94154 };
    expect(metricsTable({ model, other })).toBe(
      [
        "                               model          other",
        "Parzen log-likelihood, nats    241.2 ± 2.1   -2.114 ± 0.015",
        "Parzen bandwidth              0.1668",
        "precision, k = 5                   1         0.9415",
      ].join("\n"),
    );
  });

  test("has a line for every figure that isn't another one's error", () => {
    const figures = Object.values(METRICS).flatMap((metric) => Object.keys(metric.figures));
    const values = Object.fromEntries(figures.map((name) => [name, 0.5]));
    const lines = metricsTable({ model: values }).split("\n").slice(1);
    expect(lines.length).toBe(figures.filter((name) => !name.endsWith("Error")).length);
    expect(lines.every((line) => line.includes("0.5"))).toBe(true);
  });
});
