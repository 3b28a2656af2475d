/** Runs that are too large for memory: refused beforehand where that can be told, else explained when it runs out. */

import { peakBytes } from "../autodiff/memory.ts";
import type { Tensor } from "../autodiff/tensor.ts";
import type { Engine } from "../engine/engine.ts";
import { parameterGradients } from "../engine/leaves.ts";
import { isOutOfMemory } from "../engine/out-of-memory.ts";
import { InputError } from "../input-error.ts";

export interface StepSizes {
  readonly engine: Engine;
  readonly batchSize: number;
  /** The loss of a step with so many examples. */
  lossOf(batchSize: number): Tensor;
  /** What else training holds on the host, in bytes. */
  readonly otherBytes: number;
}

export interface RoundSizes extends StepSizes {
  readonly poolSize: number;
  readonly latentSize: number;
}

/**
 * Refuses a batch that the host's memory can't hold; a GPU's isn't known before it runs out.
 *
 * @param freeBytes what there is
 * @returns what is left, in bytes
 * @throws InputError naming the batch that would fit
 */
export function checkStepMemory(sizes: StepSizes, freeBytes = process.availableMemory()): number {
  const { engine, batchSize, lossOf, otherBytes } = sizes;
  const stepOnHost = engine.device === "host" ? stepBytes(lossOf(batchSize)) : 0;
  const free = freeBytes - otherBytes;
  if (stepOnHost > free) {
    const fits = halvedUntil(batchSize, (batch) => stepBytes(lossOf(batch)) <= free);
    throw new InputError(
      `config: a step with objective.batchSize ${batchSize} needs about ${printBytes(stepOnHost)}, and ${printBytes(free)} are free. ` +
        (fits ? `Say --set objective.batchSize=${fits}.` : "Take a smaller generator, or free memory."),
    );
  }
  return free - stepOnHost;
}

/**
 * Refuses a pool, too.
 *
 * @throws InputError naming the pool or the batch that would fit
 */
export function checkMemory(sizes: RoundSizes, freeBytes = process.availableMemory()): void {
  const { poolSize, latentSize } = sizes;
  const free = checkStepMemory(sizes, freeBytes);
  // The latents, and once more those that an objective keeps of them.
  const bytesPerSample = 2 * 4 * latentSize;
  if (poolSize * bytesPerSample > free) {
    const fits = roundedDown(free / bytesPerSample);
    throw new InputError(
      `config: objective.poolSize ${poolSize} needs ${printBytes(poolSize * bytesPerSample)} for its latents, and ` +
        `${printBytes(free)} are free. Say --set objective.poolSize=${fits}, or less.`,
    );
  }
}

/** Does the step's work; if memory runs out, says which batch to try. */
export function explainingStepMemory<Result>(
  { engine, batchSize, lossOf }: Omit<StepSizes, "otherBytes">,
  work: () => Promise<Result>,
): Promise<Result> {
  return explaining(work, () => {
    const needed = stepBytes(lossOf(batchSize));
    const fits = halvedUntil(batchSize - 1, (batch) => stepBytes(lossOf(batch)) <= needed / 2);
    return (
      `train: a step with objective.batchSize ${batchSize} needs about ${printBytes(needed)}, more than ${engine.name} has. ` +
      (fits
        ? `Half of it is enough for --set objective.batchSize=${fits}.`
        : "Take a smaller generator: the batch isn't what fills it.")
    );
  });
}

/** Does the search's work; if memory runs out, says what to try. */
export function explainingSearchMemory<Result>(
  { engine, searchMemoryMiB }: { readonly engine: Engine; readonly searchMemoryMiB: number },
  work: () => Promise<Result>,
): Promise<Result> {
  return explaining(
    work,
    () =>
      `train: matching ran out of memory on ${engine.name}. Say --set objective.searchMemoryMiB=` +
      `${Math.max(1, Math.floor(searchMemoryMiB / 2))}, or take a smaller objective.subsetSize.`,
  );
}

async function explaining<Result>(work: () => Promise<Result>, advice: () => string): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw isOutOfMemory(error) ? new InputError(advice()) : error;
  }
}

/** Forward and backward; every gradient stays until the update. */
function stepBytes(loss: Tensor): number {
  return peakBytes([loss, ...parameterGradients(loss).values()]);
}

/** The first of `from`, half of it, a quarter, … that fits; 0 if none does. */
function halvedUntil(from: number, fits: (size: number) => boolean): number {
  let size = Math.floor(from);
  while (size > 0 && !fits(size)) size = Math.floor(size / 2);
  return size;
}

/** To two digits, so that it can be typed. */
function roundedDown(size: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, size))) - 1);
  return Math.max(1, Math.floor(size / unit) * unit);
}

function printBytes(bytes: number): string {
  const mib = Math.max(0, bytes) / 2 ** 20;
  return mib < 1024 ? `${mib.toPrecision(3)} MiB` : `${(mib / 1024).toPrecision(3)} GiB`;
}
