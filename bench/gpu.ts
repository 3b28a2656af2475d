/**
 * `npm run bench -- gpu`: every engine that sees a GPU here. How far its gradients are from the CPU's; the card's rate
 * at matrix products and its bandwidth, which are the ceiling; training steps, sampling, and searching a pool that is
 * made on the card; against PyTorch on the same card. Where there is none it says so and ends.
 *
 * `--engine NAME` takes that one although it computes in software: small, to see that it works and is right.
 */

import { ENGINES } from "../trainer/engine/index.ts";
import type { EngineKind } from "../trainer/engine/kind.ts";
import { InputError } from "../trainer/input-error.ts";
import { type GpuPytorch, type GpuTask, startGpuPytorch } from "./gpu-pytorch.ts";
import {
  CHAIN,
  gradientError,
  prepareBandwidth,
  prepareMatrix,
  prepareSampling,
  prepareSearch,
  prepareSteps,
} from "./gpu-tasks.ts";
import { type BenchModel, CONV, forwardProducts, MLP, type Product, stepProducts } from "./models.ts";
import type { Benchmark, BenchmarkOptions, BenchmarkRow } from "./row.ts";
import { type Contestant, takeTurns } from "./turns.ts";

const GPU_ENGINES = ["cuda", "tfjs:tensorflow-gpu", "webgpu", "tfjs:webgpu"];

interface Sizes {
  readonly models: readonly BenchModel[];
  readonly batches: readonly number[];
  readonly samples: number;
  readonly queries: number;
  readonly points: number;
  readonly matrix: number;
  readonly bandwidth: number;
  readonly rounds: number;
}

const SIZES: Sizes = {
  models: [MLP, CONV],
  batches: [128, 1024, 8192],
  samples: 20_000,
  queries: 2000,
  points: 20_000,
  matrix: 4096,
  bandwidth: 2 ** 26,
  rounds: 7,
};
const IN_SOFTWARE: Sizes = {
  models: [{ ...MLP, width: 16 }, CONV],
  batches: [2],
  samples: 16,
  queries: 4,
  points: 16,
  matrix: 32,
  bandwidth: 2 ** 12,
  rounds: 1,
};

export const benchGpu: Benchmark = async (report, options) => {
  const kinds = await usableKinds(report, options);
  if (kinds.length === 0) {
    report("No GPU here that an engine can use (`npm run doctor` says why), so there is nothing to measure.");
    return [];
  }
  const pytorch = await startGpuPytorch(report);
  const rows: BenchmarkRow[] = [];
  for (const { kind, inSoftware } of kinds) {
    rows.push(...(await benchEngine(kind, inSoftware, pytorch, report, options)));
  }
  await pytorch.close();
  return rows;
};

/** Those that see a GPU; one in software only if it was asked for. */
async function usableKinds(report: (line: string) => void, { engines }: BenchmarkOptions) {
  const unknown = engines.find((name) => !GPU_ENGINES.includes(name));
  if (unknown !== undefined) {
    throw new InputError(`--engine ${unknown}: not for a GPU. Known: ${GPU_ENGINES.join(", ")}.`);
  }
  const usable: { kind: EngineKind; inSoftware: boolean }[] = [];
  for (const name of engines.length > 0 ? engines : GPU_ENGINES) {
    const kind = ENGINES[name]!;
    const found = await kind.probe();
    const inSoftware = found.works && found.notForAuto?.includes("software") === true;
    report(`${name}: ${found.works ? (found.notForAuto ?? "sees a GPU") : found.reason}`);
    if (found.works && (!inSoftware || engines.length > 0)) usable.push({ kind, inSoftware });
  }
  return usable;
}

async function benchEngine(
  kind: EngineKind,
  inSoftware: boolean,
  pytorch: GpuPytorch,
  report: (line: string) => void,
  { wants }: BenchmarkOptions,
): Promise<BenchmarkRow[]> {
  const sizes = inSoftware ? IN_SOFTWARE : SIZES;
  const prefix = `gpu/${kind.name}${inSoftware ? "-in-software" : ""}`;
  const rows: BenchmarkRow[] = [];
  /** A new engine for each, so that none finds the memory taken by the one before. */
  const onEngine = async <Result>(
    work: (engine: Awaited<ReturnType<EngineKind["create"]>>) => Promise<Result>,
  ) => {
    const engine = await kind.create();
    try {
      return await work(engine);
    } finally {
      await engine.dispose();
    }
  };
  /** What doesn't fit into the card, say, is no reason to lose the rest. */
  const contest = async (
    name: string,
    task: GpuTask,
    model: BenchModel,
    size: number,
    prepare: (engine: Parameters<typeof prepareSteps>[0]) => Promise<Contestant>,
  ): Promise<BenchmarkRow | null> => {
    if (!wants(name)) return null;
    report(`${name} …`);
    try {
      return await onEngine(async (engine) =>
        takeTurns({
          name,
          unit: task === "step" ? "ms/step" : "ms",
          ours: await prepare(engine),
          peers: inSoftware ? [] : await pytorch.contestants(task, model, size),
          rounds: sizes.rounds,
          count: 1,
          warmUp: 1,
        }),
      );
    } catch (error) {
      report(`${name}: ${(error as Error).message.split("\n")[0]}`);
      return null;
    }
  };

  for (const model of sizes.models) {
    const name = `${prefix}/gradient-error-${model.kind}`;
    if (!wants(name)) continue;
    report(`${name} …`);
    const cpu = await ENGINES["cpu"]!.create();
    const value = await onEngine((engine) => gradientError(engine, cpu, model, sizes.batches[0]!));
    await cpu.dispose();
    rows.push({ name, value, unit: "relative", spread: 0, peer: null, peerValue: null, ratio: null });
  }

  const { matrix: n, bandwidth: length } = sizes;
  const matrix = await contest(`${prefix}/matrix-${n}`, "matrix", MLP, n, (engine) =>
    prepareMatrix(engine, n),
  );
  const flopPerMs = matrix && (CHAIN * 2 * n ** 3) / matrix.value;
  if (matrix) rows.push(asRate(matrix, (CHAIN * 2 * n ** 3) / 1e6, "GFLOP/s"));
  const bandwidth = await contest(`${prefix}/bandwidth`, "bandwidth", MLP, length, (engine) =>
    prepareBandwidth(engine, length),
  );
  // Each addition reads and writes 4 bytes a number.
  if (bandwidth) rows.push(asRate(bandwidth, (CHAIN * 2 * 4 * length) / 1e6, "GB/s"));

  const withCeiling = (row: BenchmarkRow | null, products: readonly Product[]) => {
    if (!row) return;
    const flop = products.reduce((total, [a, b, c]) => total + 2 * a * b * c, 0);
    rows.push(flopPerMs === null ? row : { ...row, ceiling: flop / flopPerMs });
  };
  for (const model of sizes.models) {
    for (const batch of sizes.batches) {
      withCeiling(
        await contest(`${prefix}/${model.kind}-b${batch}`, "step", model, batch, (engine) =>
          prepareSteps(engine, model, batch),
        ),
        stepProducts(model, batch),
      );
    }
    const { samples } = sizes;
    withCeiling(
      await contest(`${prefix}/sample-${model.kind}-${samples}`, "sample", model, samples, (engine) =>
        prepareSampling(engine, model, samples),
      ),
      forwardProducts(model, samples),
    );
  }
  const { queries, points } = sizes;
  const model = sizes.models[0]!;
  withCeiling(
    await contest(`${prefix}/search-${queries}x${points}x784`, "search", model, points, (engine) =>
      prepareSearch(engine, model, queries, points),
    ),
    [...forwardProducts(model, points), [queries, 784, points]],
  );
  return rows;
}

/** Milliseconds of `work` as work a second, in 10⁹ (work is in 10⁶). */
function asRate(row: BenchmarkRow, work: number, unit: string): BenchmarkRow {
  const { value, spread, peerValue } = row;
  return {
    ...row,
    unit,
    value: work / value,
    spread: (work / value) * (spread / value),
    peerValue: peerValue === null ? null : work / peerValue,
  };
}
