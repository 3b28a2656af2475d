import { execFile, spawn } from "node:child_process";
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodePng } from "../shared/png.ts";
import { createRandom } from "../shared/random.ts";
import { openBundle } from "../trainer/bundle-reader.ts";
import { readCheckpoint, writeCheckpoint } from "../trainer/run/checkpoint.ts";

const script = (command: "train" | "eval") => fileURLToPath(new URL(`../cli/${command}.ts`, import.meta.url));
const root = mkdtempSync(join(tmpdir(), "imle-train-"));
afterAll(() => rmSync(root, { recursive: true }));

/** A training run of a second or so: 90 points in the plane. */
const points = join(root, "points.csv");
const TINY = [
  ...["--preset", "ring", "--data", points, "--objective", "imle"],
  ...["--set", "generator.hidden=[12]", "--set", "objective.poolSize=40", "--set", "objective.batchSize=10"],
];

beforeAll(() => {
  const random = createRandom(1);
  const rows = Array.from({ length: 90 }, () => `${random.normal()},${5 + random.normal()}`);
  writeFileSync(points, rows.join("\n"));
});

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let workplaces = 0;
/** An empty folder to run in. */
function newWorkplace(): string {
  const path = join(root, `work-${workplaces++}`);
  mkdirSync(path);
  return path;
}

function train(cwd: string, ...args: readonly string[]): Promise<Outcome> {
  return run(cwd, "train", ...args);
}

function run(cwd: string, command: "train" | "eval", ...args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [script(command), ...args], { cwd }, (error, stdout, stderr) => {
      resolve({ status: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

/** Every line of stdout as JSON. */
function events(stdout: string): Record<string, unknown>[] {
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** The checkpoint of a run that was written last. */
function newestCheckpoint(run: string): string {
  const numbered = readdirSync(join(run, "checkpoints")).filter((name) => /^\d+-step-\d+\.ckpt$/.test(name));
  return join(run, "checkpoints", numbered.sort().at(-1)!);
}

function onlyRun(cwd: string): string {
  const runs = readdirSync(join(cwd, "runs"));
  expect(runs.length).toBe(1);
  return join(cwd, "runs", runs[0]!);
}

describe("a run to its end", () => {
  const cwd = join(root, "to-its-end");
  let outcome: Outcome;
  beforeAll(async () => {
    mkdirSync(cwd);
    outcome = await train(cwd, ...TINY, "--steps", "250", "--seed", "7", "--out", "out/dots");
  });

  test("ends with status 0, plain lines and nothing on stderr", () => {
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: there must be none
    expect(outcome.stdout).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
    expect(outcome.stdout).toMatch(/^data: points, 68 × 2$/m);
    expect(outcome.stdout).toMatch(/^engine: .+$/m);
    expect(outcome.stdout).toMatch(/^ +\d+ % · step \d+\/250 · loss [\d.e-]+ · \d+ samples\/s · .* left$/m);
    expect(outcome.stdout).toMatch(/^exported out\/dots \(dots@[0-9a-f]{16}\)$/m);
  });

  test("leaves a bundle that opens, and nothing beside it", async () => {
    const { manifest } = await openBundle(join(cwd, "out/dots"));
    expect(manifest).toMatchObject({
      name: "dots",
      training: { objective: "imle", seed: 7, steps: 250, config: { budget: { steps: 250 } } },
      dataset: { name: "points", trainCount: 68, heldOutCount: 13 },
      output: { kind: "vector", shape: [2] },
      neighbours: { rowCount: 68, dtype: "float32" },
    });
    expect(readdirSync(join(cwd, "out"))).toEqual(["dots"]);
    expect(readdirSync(cwd).sort()).toEqual(["out", "runs"]);
  });

  test("leaves a run folder: configuration, machine, metrics, checkpoint, samples", async () => {
    const run = onlyRun(cwd);
    expect(run).toMatch(/\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-ring$/);
    const about = JSON.parse(readFileSync(join(run, "run.json"), "utf8"));
    expect(about).toMatchObject({ seed: 7, config: { preset: "ring", generator: { hidden: [12] } } });
    expect(about).toHaveProperty("commit");
    expect(about.machine).toMatchObject({ node: process.version, cpu: expect.any(String) });
    const metrics = events(readFileSync(join(run, "metrics.jsonl"), "utf8"));
    expect(metrics.map(({ stepCount }) => stepCount)).toEqual([100, 200]);
    for (const entry of metrics) {
      expect(entry).toMatchObject({ loss: expect.any(Number), learningRate: expect.any(Number) });
      for (const part of ["sample", "search", "descend"]) {
        expect((entry["seconds"] as Record<string, number>)[part]).toBeGreaterThan(0);
      }
    }
    expect((await readCheckpoint(newestCheckpoint(run))).stepCount).toBe(250);
    const looks = events(readFileSync(join(run, "observations.jsonl"), "utf8"));
    expect(looks.length).toBe(13);
    expect(looks[0]).toMatchObject({ stepCount: 0, matchDistance: { p50: expect.any(Number) } });
    expect(looks.at(-1)).toMatchObject({ stepCount: 250, realDistance: { p50: expect.any(Number) } });
    const pictures = looks.map(({ stepCount }) => `${String(stepCount).padStart(8, "0")}.png`);
    expect(readdirSync(join(run, "samples"))).toEqual(pictures);
    expect(readdirSync(run).filter((name) => name.startsWith("events.out.tfevents.")).length).toBe(1);
  });

  test("tells the recall of a search that only approximates, and records it", async () => {
    const other = newWorkplace();
    const { stdout } = await train(
      other,
      ...TINY,
      "--set",
      "objective.searcher=projection",
      "--steps",
      "100",
    );
    expect(stdout).toMatch(/ step \d+\/100 · loss [\d.e-]+ · recall 1\.000 · /);
    const metrics = events(readFileSync(join(onlyRun(other), "metrics.jsonl"), "utf8"));
    expect(metrics).toMatchObject([{ stepCount: 100, recall: 1 }]);
  });

  test("--json: the same run as one JSON object a line, and the same weights", async () => {
    const other = newWorkplace();
    const { status, stdout, stderr } = await train(other, ...TINY, "--steps", "250", "--seed", "7", "--json");
    expect([status, stderr]).toEqual([0, ""]);
    const told = events(stdout);
    const kinds = told.map(({ event }) => event);
    for (const kind of ["data", "engine", "run", "progress", "exported"]) expect(kinds).toContain(kind);
    expect(told.find(({ event }) => event === "progress")).toMatchObject({
      stepCount: 1,
      totalSteps: 250,
      loss: expect.any(Number),
      learningRate: expect.any(Number),
      samplesPerSecond: expect.any(Number),
    });
    const exported = told.at(-1)!;
    expect(exported).toMatchObject({ event: "exported", out: expect.stringMatching(/models\/ring$/) });
    const weights = (path: string) => readFileSync(join(path, "weights.0.bin"));
    expect(weights(join(other, "models/ring"))).toEqual(weights(join(cwd, "out/dots")));
  });
});

test("a model that no network was trained for is exported like any other", async () => {
  const cwd = newWorkplace();
  const random = createRandom(2);
  const near = (at: number) => at + 0.01 * random.normal();
  const rows = Array.from({ length: 90 }, (_, i) => `${near(i % 2)},${near(i % 2)}`);
  writeFileSync(join(cwd, "clusters.csv"), rows.join("\n"));
  const mixture = ["--objective", "gaussian-mixture", "--set", "objective.components=2", "--steps", "250"];
  const { status, stderr } = await train(cwd, ...TINY, "--data", "clusters.csv", ...mixture);
  expect([status, stderr]).toEqual([0, ""]);
  const metrics = events(readFileSync(join(onlyRun(cwd), "metrics.jsonl"), "utf8"));
  // A density may be above 1, and its loss below 0.
  for (const { loss } of metrics) expect(loss).toBeLessThan(0);
  const { manifest, read } = await openBundle(join(cwd, "models/ring"));
  expect(manifest).toMatchObject({
    latent: { size: 3 },
    generator: { layers: [{ units: 3 }, { units: 4 }, { units: 2 }] },
    training: { objective: "gaussian-mixture" },
  });
  const report = new TextDecoder().decode(await read("report.html"));
  expect(report).toContain("Loss over steps: loss from -");
  expect(report).not.toContain("NaN");
});

test("Ctrl-C writes a checkpoint and exits with 130; --resume ends with what an unbroken run gives", async () => {
  const cwd = newWorkplace();
  const args = [...TINY, "--steps", "6000", "--out", "dots"];
  const child = spawn(process.execPath, [script("train"), ...args, "--json"], { cwd });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (!stdout.includes('"progress"') && text.includes('"progress"')) child.kill("SIGINT");
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const status = await new Promise((resolve) => child.on("close", (code) => resolve(code)));
  expect([status, stderr]).toEqual([130, ""]);
  const run = onlyRun(cwd);
  const last = events(stdout).at(-1)!;
  expect(last).toMatchObject({ event: "interrupted", run });
  expect(last["text"]).toBe(`interrupted; go on with: npm run train -- --resume ${run} --out dots`);
  expect(existsSync(join(cwd, "dots"))).toBe(false);
  const { stepCount } = await readCheckpoint(newestCheckpoint(run));
  expect(stepCount).toBeGreaterThan(0);
  expect(stepCount).toBeLessThan(6000);

  const resumed = await train(cwd, "--resume", run, "--out", "dots");
  expect([resumed.status, resumed.stderr]).toEqual([0, ""]);
  expect(resumed.stdout).toContain(`resuming at step ${stepCount}`);
  expect(onlyRun(cwd)).toBe(run);
  await openBundle(join(cwd, "dots"));

  const unbroken = newWorkplace();
  expect((await train(unbroken, ...args)).status).toBe(0);
  for (const file of ["weights.0.bin", "model.json", "model.onnx"]) {
    expect(readFileSync(join(cwd, "dots", file))).toEqual(readFileSync(join(unbroken, "dots", file)));
  }
  // What was seen on the way is the same too.
  const seen = (folder: string) =>
    events(readFileSync(join(onlyRun(folder), "observations.jsonl"), "utf8")).map(
      ({ elapsedSeconds: _, ...observation }) => observation,
    );
  expect(seen(cwd)).toEqual(seen(unbroken));
  expect(readdirSync(join(run, "samples"))).toEqual(readdirSync(join(onlyRun(unbroken), "samples")));
});

describe("pictures", () => {
  const pictures = join(root, "pictures");
  const heavy = join(root, "heavy-pictures");
  const flat = (width: number, height: number, red: number) =>
    sharp({ create: { width, height, channels: 3, background: { r: red, g: 90, b: 200 - red } } });
  beforeAll(async () => {
    for (const [offset, name] of ["dawn", "dusk"].entries()) {
      mkdirSync(join(pictures, name), { recursive: true });
      for (let i = 0; i < 150; i++) {
        const picture = flat(40 + (i % 20), 30 + (i % 9), i + 50 * offset);
        await (i % 2 ? picture.png() : picture.jpeg()).toFile(
          join(pictures, name, `${i}.${i % 2 ? "png" : "jpg"}`),
        );
      }
    }
    writeFileSync(join(pictures, "dusk/empty.png"), "");
    mkdirSync(heavy);
    await flat(5000, 5000, 1).png().toFile(join(heavy, "0.png"));
    for (let i = 1; i < 200; i++) linkSync(join(heavy, "0.png"), join(heavy, `${i}.png`));
  });
  /** The preset with fewer channels and samples, so that it takes seconds. */
  const quick = [
    ...["--preset", "images", "--data", pictures, "--steps", "20"],
    ...["--set", "generator.channels=[8,4,4]", "--set", "objective.poolSize=300"],
  ];

  test("of any size become a model, and eval reads them as training did", async () => {
    const cwd = newWorkplace();
    const { status, stdout, stderr } = await train(cwd, ...quick);
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^ +0 % · decoding pictures: \d+ of 301$/m);
    expect(stdout).toMatch(/^pictures: 300 decoded and kept in \.cache.data$/m);
    expect(stdout).toMatch(/^skipped 1 of the pictures in .*: dusk\/empty\.png \(empty\); --strict/m);
    expect(stdout).toMatch(/^data: pictures, 225 × 32×32×3$/m);
    const bundle = join(cwd, "models/images");
    expect((await openBundle(bundle)).manifest).toMatchObject({
      labels: ["dawn", "dusk"],
      output: { kind: "image", shape: [32, 32, 3] },
      dataset: { name: "pictures", trainCount: 225, heldOutCount: 45, testCount: 30 },
    });

    const measured = await run(cwd, "eval", bundle, "--data", pictures, "--samples", "50", "--json");
    expect(measured.status).toBe(0);
    expect(measured.stderr).toMatch(/^pictures: 300 from/m);
    expect(measured.stderr).not.toContain("note:");
    expect(JSON.parse(measured.stdout)).toMatchObject({
      dataset: "pictures",
      testCount: 30,
      sampleCount: 50,
    });
  });

  test("--strict: one that can't be decoded is bad input", async () => {
    const { status, stderr } = await train(newWorkplace(), ...quick, "--strict");
    expect(stderr).toMatch(/^train: [^\n]*: dusk\/empty\.png \(empty\)[^\n]*--strict[^\n]*\n$/);
    expect(status).toBe(2);
  });

  test("Ctrl-C while they are decoded ends with 130 and leaves nothing", async () => {
    const cwd = newWorkplace();
    const args = ["--preset", "images", "--data", heavy, "--json"];
    const child = spawn(process.execPath, [script("train"), ...args], { cwd });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (!stdout.includes('"working"') && text.includes('"working"')) child.kill("SIGINT");
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const status = await new Promise((resolve) => child.on("close", (code) => resolve(code)));
    expect([status, stderr]).toEqual([130, ""]);
    expect(events(stdout).find(({ event }) => event === "working")).toMatchObject({
      what: "decoding pictures",
      total: 200,
    });
    expect(events(stdout).at(-1)).toMatchObject({ event: "interrupted" });
    expect(readdirSync(cwd)).toEqual(["models"]);
  });
});

describe("a loss that stops being a number", () => {
  const cwd = join(root, "diverges");
  let outcome: Outcome;
  beforeAll(async () => {
    mkdirSync(cwd);
    // What tanh gives never grows beyond a number's range.
    const unbounded = ["--set", "generator.activation=relu", "--set", "optimiser.learningRate=1e12"];
    const often = ["--set", "run.checkpointEverySeconds=1e-6"];
    outcome = await train(cwd, ...TINY, "--steps", "200", ...unbounded, ...often);
  });

  test("ends the run with status 1: step, rate, the last good checkpoint, what to do next", async () => {
    expect(outcome.status).toBe(1);
    const line =
      /^train: the loss is (?:NaN|-?Infinity) at step (\d+) \(learning rate [\d.e+]+\)\. Last good checkpoint: (\S+) \(step (\d+)\)\. Go on from it with --resume (\S+) --set optimiser\.learningRate=3e\+11\.\n$/;
    expect(outcome.stderr).toMatch(line);
    const [, step, path, goodStep, run] = line.exec(outcome.stderr)!;
    expect(run).toBe(onlyRun(cwd));
    expect(path).toBe(newestCheckpoint(run!));
    const { stepCount, training } = await readCheckpoint(path!);
    expect(stepCount).toBe(Number(goodStep));
    expect(stepCount).toBeLessThan(Number(step));
    const { weights } = training.parameters["generator"]!;
    for (const values of Object.values(weights)) expect(values.every(Number.isFinite)).toBe(true);
    expect(readdirSync(join(cwd, "models"))).toEqual([]);
  });

  test("from that checkpoint a run at a lower rate gets to its end, and keeps the rate", async () => {
    const run = onlyRun(cwd);
    const resumed = await train(cwd, "--resume", run, "--set", "optimiser.learningRate=0.001");
    expect([resumed.status, resumed.stderr]).toEqual([0, ""]);
    await openBundle(join(cwd, "models/ring"));
    const about = JSON.parse(readFileSync(join(run, "run.json"), "utf8"));
    expect(about).toMatchObject({ seed: 1, config: { optimiser: { learningRate: 0.001, beta1: 0.9 } } });
  });

  test("in the first step after --resume: says that no checkpoint is good", async () => {
    const run = onlyRun(cwd);
    const latest = newestCheckpoint(run);
    const damaged = await readCheckpoint(latest);
    const { weights } = damaged.training.parameters["generator"]!;
    for (const values of Object.values(weights)) values.fill(Number.NaN);
    await writeCheckpoint(latest, { ...damaged, stepCount: 90 });
    const { status, stderr } = await train(cwd, "--resume", run);
    expect(status).toBe(1);
    expect(stderr).toMatch(/at step 90 \(.*No checkpoint from before is good\. Start again with --set/);
  });
});

test("--help tells every flag, with status 0", async () => {
  const { status, stdout, stderr } = await train(root, "--help");
  expect([status, stderr]).toEqual([0, ""]);
  for (const flag of ["preset", "data", "out", "objective", "engine", "seed", "minutes", "steps", "epochs"]) {
    expect(stdout).toContain(`--${flag} `);
  }
  for (const flag of ["--strict ", "--resume ", "--set ", "--json"]) expect(stdout).toContain(flag);
});

describe("bad usage ends with status 2 and one clear line", () => {
  const files = join(root, "files");
  const idx = (magic: number, ...sizes: readonly number[]) => {
    const header = Buffer.alloc(4 + 4 * sizes.length);
    header.writeUInt32BE(magic, 0);
    for (const [i, size] of sizes.entries()) header.writeUInt32BE(size, 4 + 4 * i);
    return Buffer.concat([header, Buffer.alloc(sizes.reduce((a, b) => a * b))]);
  };
  beforeAll(() => {
    for (const name of ["empty", "truncated", "mislabelled", "used", "mixed"]) {
      mkdirSync(join(files, name), { recursive: true });
    }
    const images = idx(0x803, 30, 4, 4);
    const labels = idx(0x801, 30);
    for (const name of ["truncated", "mislabelled"]) {
      for (const part of ["train", "t10k"]) {
        writeFileSync(join(files, name, `${part}-images-idx3-ubyte`), images);
        writeFileSync(join(files, name, `${part}-labels-idx1-ubyte`), labels);
      }
    }
    writeFileSync(join(files, "truncated/train-images-idx3-ubyte"), images.subarray(0, 200));
    writeFileSync(join(files, "mislabelled/train-images-idx3-ubyte"), labels);
    writeFileSync(join(files, "used/thesis.txt"), "years");
    for (const width of [4, 5]) {
      const pixels = { width, height: 4, channels: 1 as const, data: new Uint8Array(4 * width) };
      writeFileSync(join(files, `mixed/${width}.png`), encodePng(pixels));
    }
  });

  const cases: [string, readonly string[], RegExp][] = [
    ["unknown flag", ["--sead", "1"], /unknown option '--sead'.*--seed/],
    ["an argument", ["ring"], /too many arguments/],
    ["a flag without its value", ["--preset"], /'--preset <name>' argument missing/],
    ["unknown preset", ["--preset", "nope"], /no preset "nope"\. Known: glyphs, ring/],
    ["unknown engine", ["--preset", "ring", "--engine", "abacus"], /no engine "abacus"\. Known: auto, .*cpu/],
    ["unknown objective", ["--preset", "ring", "--objective", "wishing"], /objective\.name: .*"imle"/],
    ["two budgets", ["--minutes", "1", "--steps", "5"], /--minutes.*cannot be used with.*--steps/],
    ["two budgets again", ["--epochs", "1", "--steps", "5"], /--steps.*cannot be used with.*--epochs/],
    ["bad seed", ["--seed", "abc"], /--seed.*'abc'.*whole number from 0 to 9007199254740991/],
    ["negative seed", ["--seed", "-1"], /--seed.*whole number/],
    ["seed too large", ["--seed", "9007199254740992"], /--seed.*whole number/],
    ["no steps", ["--steps", "0"], /--steps.*whole number from 1/],
    ["no minutes", ["--minutes", "0"], /--minutes.*above 0/],
    ["bad field", ["--set", "objective.poolsize=3"], /objective\.poolsize: no such field.*poolSize/],
    ["bad value", ["--set", "objective.poolSize=none"], /objective\.poolSize: .*expected number/],
    ["no data", ["--preset", "mnist"], /--data/],
    ["missing data", ["--data", "nowhere"], /nowhere: no such file or folder/],
    ["empty folder", ["--data", join(files, "empty")], /empty: no data set found/],
    [
      "truncated IDX",
      ["--data", join(files, "truncated")],
      /train-images-idx3-ubyte: truncated: declares 30/,
    ],
    ["labels as images", ["--data", join(files, "mislabelled")], /mislabelled: .*holds labels/],
    [
      "pictures of two sizes",
      ["--data", join(files, "mixed")],
      /(4|5)\.png has \1×4 pixels, .*--set data\.size=32/,
    ],
    [
      "an --out below a file",
      [...TINY, "--out", `${points}/model`],
      /--out: .*model can't be written \(E\w+\)/,
    ],
    [
      "an --out that is in use",
      [...TINY, "--out", join(files, "used")],
      /used holds other files and no exported model/,
    ],
    ["an --out without a model's name", [...TINY, "--out", "my model"], /"my model" is no name for a model/],
    [
      "a generator too large to export",
      [...TINY, "--set", "generator.hidden=[4000,4000]"],
      /a bundle holds at most/,
    ],
    ["resuming what is no run", ["--resume", "nowhere"], /nowhere is not a run folder/],
    [
      "resuming with another seed",
      ["--resume", "nowhere", "--seed", "3"],
      /--seed: a resumed run keeps its configuration/,
    ],
    ["resuming strictly", ["--resume", "x", "--strict"], /--strict: a resumed run keeps/],
    ["resuming with another field", ["--resume", "x", "--set", "seed=3"], /--set: a resumed run keeps/],
  ];
  test.concurrent.each(cases)("%s", async (_, args, message) => {
    const cwd = newWorkplace();
    const { status, stderr } = await train(cwd, "--json", ...args);
    expect(stderr).toMatch(/^train: [^\n]+\n$/);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\bat .*:\d+:\d+/);
    expect(status).toBe(2);
    expect(existsSync(join(cwd, "runs"))).toBe(false);
  });
});
