/**
 * Trained classifiers on disk, so that one is trained once a data set: a file each, named by a hash of what it was made
 * from. A file that is damaged, or is something else, counts as absent; the folder may be deleted.
 *
 * Layout: the weights as little-endian float32, one after another in the network's order, then SHA-256 of them.
 */

import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sizeOf } from "../autodiff/tensor.ts";
import type { Dataset } from "../data/dataset.ts";
import type { ParameterValues } from "../engine/engine.ts";
import { type NetworkShape, weightSpecs } from "./network.ts";
import { TRAINING } from "./train-classifier.ts";

/** Raised whenever the same data and settings give other weights. */
const VERSION = 1;
const HASH_BYTES = 32;

/** The key of what a classifier is made from: the training examples, the network and how it is trained. */
export function classifierKey({ train }: Dataset, network: NetworkShape): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([VERSION, network, weightSpecs(network), TRAINING]));
  hash.update(train.values);
  hash.update(train.labels!);
  return hash.digest("hex").slice(0, 32);
}

/** What was written under this key; null if nothing was, or it can't be trusted. */
export async function readWeights(
  folder: string,
  key: string,
  network: NetworkShape,
): Promise<ParameterValues | null> {
  const file = await readFile(pathOf(folder, key)).catch(() => null);
  const specs = weightSpecs(network);
  const bytes = specs.reduce((total, { shape }) => total + 4 * sizeOf(shape), 0);
  if (file?.length !== bytes + HASH_BYTES) return null;
  const body = file.subarray(0, bytes);
  if (!sha256(body).equals(file.subarray(bytes))) return null;
  const numbers = new Float32Array(Uint8Array.from(body).buffer);
  let at = 0;
  return Object.fromEntries(specs.map(({ name, shape }) => [name, numbers.slice(at, (at += sizeOf(shape)))]));
}

/** Writes under a temporary name and renames into place. */
export async function writeWeights(
  folder: string,
  key: string,
  network: NetworkShape,
  weights: ParameterValues,
): Promise<void> {
  const parts = weightSpecs(network).map(({ name }) => {
    const { buffer, byteOffset, byteLength } = weights[name]!;
    return Buffer.from(buffer, byteOffset, byteLength);
  });
  const body = Buffer.concat(parts);
  const path = pathOf(folder, key);
  const temporary = `${path}.${process.pid}.tmp`;
  await mkdir(folder, { recursive: true });
  try {
    await writeFile(temporary, Buffer.concat([body, sha256(body)]));
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

function pathOf(folder: string, key: string): string {
  return join(folder, `${key}.classifier`);
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
