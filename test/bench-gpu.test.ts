import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import type { BenchmarkRow } from "../bench/row.ts";
import { ENGINES } from "../trainer/engine/index.ts";

const SOFTWARE_GPU = fileURLToPath(new URL("software-gpu.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "imle-bench-gpu-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** `npm run bench -- gpu`, in an environment of its own. */
async function bench(node: readonly string[], ...args: string[]) {
  const cwd = fileURLToPath(new URL("..", import.meta.url));
  return promisify(execFile)(process.execPath, [...node, "cli/bench.ts", "gpu", ...args], { cwd });
}

test("without a GPU it says so in one line, and that is no failure", async ({ skip }) => {
  for (const name of ["cuda", "webgpu", "tfjs:webgpu", "tfjs:tensorflow-gpu"]) {
    const found = await ENGINES[name]!.probe();
    if (found.works && !found.notForAuto) return skip(`${name} works here`);
  }
  const { stdout, stderr } = await bench([]);
  expect(stderr).toMatch(/^No GPU here .+ nothing to measure\.$/m);
  expect(stdout.split("\n")).toHaveLength(2); // the machine
});

test("an engine that is asked for is measured in software, under names that say so", async ({ skip }) => {
  const { stderr, rows } = await inSoftware("gradient-error-mlp", "mlp-b2", "matrix");
  if (rows.length === 0) return skip(stderr.split("\n")[0]);
  const byName = Object.fromEntries(
    rows.map((row) => [row.name.replace("gpu/webgpu-in-software/", ""), row]),
  );
  expect(Object.keys(byName)).toEqual(["gradient-error-mlp", "matrix-32", "mlp-b2"]);
  expect(byName["gradient-error-mlp"]!.value).toBeLessThan(1e-4);
  expect(byName["mlp-b2"]!.unit).toBe("ms/step");
  // 64 → 16 → 16 → 784 for two: forward, the weights' gradients, and those of all inputs but the first's.
  const flop = 2 * 2 * (2 * 64 * 16 + 3 * 16 * 16 + 3 * 16 * 784);
  expect(byName["mlp-b2"]!.ceiling).toBeCloseTo(flop / 1e6 / byName["matrix-32"]!.value, 6);
});

async function inSoftware(...only: string[]): Promise<{ stderr: string; rows: BenchmarkRow[] }> {
  const json = join(folder, "rows.json");
  const { stderr } = await bench(
    ["--import", SOFTWARE_GPU],
    "--engine",
    "webgpu",
    ...only.flatMap((part) => ["--only", part]),
    "--json",
    json,
  );
  return { stderr, rows: JSON.parse(readFileSync(json, "utf8")) as BenchmarkRow[] };
}
