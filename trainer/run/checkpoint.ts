/**
 * A checkpoint file: everything that the next training step depends on.
 *
 * Layout: magic "IMLEckpt", uint32 format version, uint32 header length, header (JSON), then the arrays in
 * the header's order, then SHA-256 of all before it. Little-endian. Plain data: nothing is executed on reading.
 */

import { createHash } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import type { Numbers, ParameterState } from "../engine/engine.ts";
import { InputError } from "../input-error.ts";
import type { TrainingState } from "../objectives/objective.ts";

export interface Checkpoint {
  readonly stepCount: number;
  /** Seconds of training so far, for budgets in minutes. */
  readonly elapsedSeconds: number;
  /** Mean training loss of the last steps before it; null before the first. */
  readonly loss: number | null;
  readonly training: TrainingState;
}

const MAGIC = new TextEncoder().encode("IMLEckpt");
/** 1 held the parameters of one network, 2 no loss. */
const VERSION = 3;
const HASH_BYTES = 32;
const PREFIX_BYTES = MAGIC.length + 8;

const PARTS = ["weights", "average", "firstMoment", "secondMoment"] as const;

const headerSchema = z.strictObject({
  stepCount: z.number().int().nonnegative(),
  elapsedSeconds: z.number().nonnegative(),
  loss: z.number().nullable(),
  /** Of every network. */
  updateCounts: z.record(z.string(), z.number().int().nonnegative()),
  counters: z.record(z.string(), z.number()),
  arrays: z.array(
    z.strictObject({
      /** Which part of a network's parameters it belongs to; null: none of them. */
      of: z.strictObject({ network: z.string(), part: z.enum(PARTS) }).nullable(),
      name: z.string(),
      dtype: z.enum(["float32", "int32"]),
      length: z.number().int().nonnegative(),
    }),
  ),
});

/** A file that is no checkpoint, or no whole one. */
export class CheckpointError extends InputError {
  /** What is wrong, without the file's name. */
  readonly why: string;

  constructor(path: string, why: string, next: string) {
    super(`checkpoint: ${path}: ${why}. ${next}`);
    this.why = why;
  }
}

/** Writes the file under a temporary name, flushes it to disk and renames it into place. */
export async function writeCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  const { training, stepCount, elapsedSeconds, loss } = checkpoint;
  const networks = Object.entries(training.parameters);
  const groups = [
    ...networks.flatMap(([network, state]) =>
      PARTS.map((part) => ({ of: { network, part }, values: state[part] })),
    ),
    { of: null, values: training.arrays },
  ];
  const arrays = groups.flatMap(({ of, values }) =>
    Object.entries(values).map(([name, numbers]) => ({ of, name, numbers })),
  );
  const header: z.infer<typeof headerSchema> = {
    stepCount,
    elapsedSeconds,
    loss,
    updateCounts: Object.fromEntries(networks.map(([network, state]) => [network, state.stepCount])),
    counters: { ...training.counters },
    arrays: arrays.map(({ of, name, numbers }) => ({
      of,
      name,
      dtype: numbers instanceof Float32Array ? "float32" : "int32",
      length: numbers.length,
    })),
  };
  // Padded to whole words, so that the arrays start aligned.
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = new Uint8Array(Math.ceil(text.length / 4) * 4).fill(0x20);
  padded.set(text);
  const prefix = new Uint8Array(PREFIX_BYTES);
  prefix.set(MAGIC);
  new DataView(prefix.buffer).setUint32(MAGIC.length, VERSION, true);
  new DataView(prefix.buffer).setUint32(MAGIC.length + 4, padded.length, true);

  try {
    await writeHashed(`${path}.tmp`, [prefix, padded, ...arrays.map(({ numbers }) => bytesOf(numbers))]);
    await rename(`${path}.tmp`, path);
  } catch (error) {
    // On a full disk what was written so far would be in the way of everything else.
    await rm(`${path}.tmp`, { force: true }).catch(() => {});
    throw error;
  }
  await syncFolder(dirname(path));
}

/** The parts, then SHA-256 of them all; on disk when this returns. */
async function writeHashed(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const hash = createHash("sha256");
  const file = await open(path, "w");
  try {
    for (const part of parts) {
      hash.update(part);
      await file.writeFile(part);
    }
    await file.writeFile(hash.digest());
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a rename last through a power cut, where the system lets folders be flushed. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r").catch(() => null);
  await folder?.sync().catch(() => {});
  await folder?.close();
}

/** @throws CheckpointError naming the file, if it is missing, cut, altered or of another version */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const refuse = (why: string, next = "Resume from another checkpoint.") =>
    new CheckpointError(path, why, next);
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ENOENT"
      ? refuse("is missing", "Give a run folder that holds checkpoints.")
      : refuse(`can't be read (${error.code})`);
  });
  if (bytes.length < PREFIX_BYTES + HASH_BYTES || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw refuse("not a checkpoint, or cut short");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(MAGIC.length, true);
  if (version !== VERSION) {
    throw refuse(
      `format version ${version}, but this program reads ${VERSION}`,
      "Go on with the version of the program that run.json names, or start a new run.",
    );
  }
  const body = bytes.subarray(0, bytes.length - HASH_BYTES);
  const hash = createHash("sha256").update(body).digest();
  if (!hash.equals(bytes.subarray(bytes.length - HASH_BYTES)))
    throw refuse("altered or cut short since it was written");

  const headerEnd = PREFIX_BYTES + view.getUint32(MAGIC.length + 4, true);
  const header = parseHeader(body.subarray(PREFIX_BYTES, headerEnd).toString("utf8"));
  const declared = header?.arrays.reduce((total, { length }) => total + length * 4, headerEnd);
  const strays = header?.arrays.some(({ of }) => of && !Object.hasOwn(header.updateCounts, of.network));
  if (!header || strays || declared !== body.length) throw refuse("damaged header");
  const arrays: Record<string, Numbers> = {};
  const parameters = Object.fromEntries(
    Object.entries(header.updateCounts).map(([network, updateCount]) => [network, emptyState(updateCount)]),
  );
  let offset = headerEnd;
  for (const { of, name, dtype, length } of header.arrays) {
    const copy = new Uint8Array(body.subarray(offset, offset + length * 4)).buffer;
    const group: Record<string, Numbers> = of ? parameters[of.network]![of.part] : arrays;
    group[name] = dtype === "float32" ? new Float32Array(copy) : new Int32Array(copy);
    offset += length * 4;
  }
  const { stepCount, elapsedSeconds, loss, counters } = header;
  return { stepCount, elapsedSeconds, loss, training: { parameters, counters, arrays } };
}

function emptyState(stepCount: number): ParameterState {
  return { weights: {}, average: {}, firstMoment: {}, secondMoment: {}, stepCount };
}

function parseHeader(text: string): z.infer<typeof headerSchema> | null {
  try {
    return headerSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function bytesOf(numbers: Numbers): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}
