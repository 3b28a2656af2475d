/** Training commands that end within seconds, on data small enough for every test. */

import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { zipSync } from "fflate";
import { encodeNpy } from "../shared/npy.ts";
import { createRandom } from "../shared/random.ts";

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one of the commands in `cwd` to its end. */
export function runCli(command: "train" | "compare", cwd: string, ...args: string[]): Promise<Outcome> {
  const script = fileURLToPath(new URL(`../cli/${command}.ts`, import.meta.url));
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], { cwd }, (error, stdout, stderr) => {
      resolve({ status: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

const SMALL = ["generator.hidden=[12]", "objective.poolSize=60", "objective.batchSize=10"].flatMap(
  (field) => ["--set", field],
);

/** What to give `train` for 90 points in the plane; writes them to `folder`. */
export function pointsTraining(folder: string): string[] {
  const random = createRandom(1);
  const rows = Array.from({ length: 90 }, () => `${random.normal()},${5 + random.normal()}`);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "points.csv");
  writeFileSync(file, rows.join("\n"));
  return ["--preset", "ring", "--data", file, "--objective", "imle", ...SMALL];
}

/** What to give `train` for 240 pictures of 8×8 in two classes: a bright square somewhere. */
export function picturesTraining(folder: string): string[] {
  const random = createRandom(2);
  const [count, side] = [240, 8];
  const pixels = new Uint8Array(count * side * side);
  const classes = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const [left, top] = [random.below(5), random.below(5)];
    classes[i] = left > 2 ? 1 : 0;
    for (let y = top; y < top + 4; y++) {
      for (let x = left; x < left + 4; x++) pixels[(i * side + y) * side + x] = 120 + random.below(136);
    }
  }
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "squares.npz");
  const x = encodeNpy({ shape: [count, side, side], values: pixels });
  writeFileSync(file, zipSync({ "x.npy": x, "y.npy": encodeNpy({ shape: [count], values: classes }) }));
  return ["--preset", "glyphs", "--data", file, ...SMALL];
}

/** The run folders in `cwd`, oldest first. */
export function runsIn(cwd: string): string[] {
  const names = readdirSync(join(cwd, "runs")).filter((name) => /^\d{4}-/.test(name));
  return names.sort().map((name) => join(cwd, "runs", name));
}
