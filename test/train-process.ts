/** `npm run train` as a process: a run of a second or so that can be signalled, killed and gone on with. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createRandom } from "../shared/random.ts";

const SCRIPT = fileURLToPath(new URL("../cli/train.ts", import.meta.url));

/** Writes 90 points in the plane; what to give `train` for a small model of them, with many checkpoints. */
export function tinyTraining(folder: string): string[] {
  const points = join(folder, "points.csv");
  const random = createRandom(1);
  writeFileSync(
    points,
    Array.from({ length: 90 }, () => `${random.normal()},${5 + random.normal()}`).join("\n"),
  );
  return [
    ...[
      "--preset",
      "ring",
      "--data",
      points,
      "--objective",
      "imle",
      "--set",
      "run.checkpointEverySeconds=0.02",
    ],
    ...[
      "--set",
      "generator.hidden=[12]",
      "--set",
      "objective.poolSize=40",
      "--set",
      "objective.batchSize=10",
    ],
  ];
}

export interface TrainProcess {
  readonly child: ChildProcess;
  /** Resolves with the first event of this kind when it is told, or with nothing when the process ends. */
  told(event: string): Promise<Record<string, unknown>>;
  /** Resolves when the process has ended; every event that it told. */
  ended(): Promise<{ status: number | null; events: Record<string, unknown>[]; stderr: string }>;
}

export function startTraining(cwd: string, ...args: readonly string[]): TrainProcess {
  const child = spawn(process.execPath, [SCRIPT, ...args, "--json"], { cwd });
  const closed = once(child, "close") as Promise<[number | null]>;
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return {
    child,
    told: (event) =>
      new Promise((resolve) => {
        const look = () => {
          const line = stdout
            .split("\n")
            .slice(0, -1)
            .find((each) => each.startsWith(`{"event":"${event}"`));
          if (line) resolve(JSON.parse(line));
        };
        child.stdout.on("data", look);
        closed.then(() => resolve({}));
        look();
      }),
    async ended() {
      const [status] = await closed;
      const lines = stdout.split("\n").slice(0, -1);
      return { status, stderr, events: lines.map((line) => JSON.parse(line)) };
    },
  };
}

/** The files of a bundle that hold its weights. */
export function exportedWeights(bundle: string): Buffer[] {
  return ["weights.0.bin", "model.json", "model.onnx"].map((file) => readFileSync(join(bundle, file)));
}

/** The only run folder in `cwd`. */
export function runIn(cwd: string): string {
  const [run, ...others] = readdirSync(join(cwd, "runs")).filter((name) => !name.startsWith("."));
  if (!run || others.length > 0) throw new Error(`${cwd}/runs holds no run, or several`);
  return join(cwd, "runs", run);
}
