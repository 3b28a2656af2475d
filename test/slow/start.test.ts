/** `npm start`, as a process: trains the default model, serves it, ends cleanly, and doesn't train it again. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const START = fileURLToPath(new URL("../../cli/start.ts", import.meta.url));
const TRAINING_TIMEOUT_MS = 600_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imle-start-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Started {
  readonly child: ChildProcess;
  readonly url: string;
  /** What it printed until it served. */
  readonly output: string;
}

/** Runs the command in the test's folder until it says where it serves. */
async function start(): Promise<Started> {
  const child = spawn(process.execPath, [START, "--port", "0"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  for await (const chunk of child.stdout!.setEncoding("utf8")) {
    output += chunk;
    const url = /Serving .* at (http:\/\/\S+)/.exec(output)?.[1];
    if (url && output.includes("Ctrl-C")) return { child, url, output };
  }
  throw new Error(`it ended before it served:\n${output}`);
}

async function interrupt({ child, url }: Started): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGINT");
  const [status] = await exited;
  expect(status).toBe(0);
  await expect(fetch(`${url}/healthz`)).rejects.toThrow();
}

test("trains the default model, serves it, and prints the URL and two curl lines", {
  timeout: TRAINING_TIMEOUT_MS,
}, async () => {
  const started = await start();
  expect(started.output).toMatch(/\d+ % · step \d+\/\d+ · loss .* left/);
  expect(started.output.match(/^ {2}curl /gm)).toHaveLength(2);
  await access(join(folder, "models/glyphs/model.onnx"));

  const sample = await fetch(`${started.url}/sample?n=4&seed=7`);
  expect(sample.headers.get("content-type")).toBe("image/png");
  const nearest = await fetch(`${started.url}/nearest`, {
    method: "POST",
    headers: { "content-type": "image/png" },
    body: await (await fetch(`${started.url}/train/0.png`)).arrayBuffer(),
  });
  expect(await nearest.json()).toMatchObject({
    verdict: "copy",
    distance: 0,
    neighbours: [{ index: 0 }, {}, {}, {}, {}],
  });
  await interrupt(started);
});

test("serves the model that is there without training it again", {
  timeout: TRAINING_TIMEOUT_MS,
}, async () => {
  const runs = await readdir(join(folder, "runs"));
  const started = await start();
  expect(started.output).not.toContain("Training");
  expect(await readdir(join(folder, "runs"))).toEqual(runs);
  await interrupt(started);
});
