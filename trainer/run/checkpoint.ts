/**
 * A checkpoint file: everything that the next training step depends on.
 *
 * Layout: magic "IMLEckpt", uint32 format version, uint32 header length, header (JSON), then the arrays in
 * the header's order, then SHA-256 of all before it. Little-endian. Plain data: nothing is executed on reading.
 */

import { createHash } from "node:crypto";
import { open, readFile, rename } from "node:fs/promises";
import { z } from "zod";
import type { Numbers, ParameterState, ParameterValues } from "../engine/engine.ts";
import { InputError } from "../input-error.ts";
import type { TrainingState } from "../objectives/objective.ts";

export interface Checkpoint {
  readonly stepCount: number;
  /** Seconds of training so far, for budgets in minutes. */
  readonly elapsedSeconds: number;
  readonly parameters: ParameterState;
  readonly training: TrainingState;
}

const MAGIC = new TextEncoder().encode("IMLEckpt");
const VERSION = 1;
const HASH_BYTES = 32;
const PREFIX_BYTES = MAGIC.length + 8;

const headerSchema = z.strictObject({
  stepCount: z.number().int().nonnegative(),
  elapsedSeconds: z.number().nonnegative(),
  updateCount: z.number().int().nonnegative(),
  counters: z.record(z.string(), z.number()),
  arrays: z.array(
    z.strictObject({
      group: z.enum(["weights", "average", "firstMoment", "secondMoment", "training"]),
      name: z.string(),
      dtype: z.enum(["float32", "int32"]),
      length: z.number().int().nonnegative(),
    }),
  ),
});

type Group = z.infer<typeof headerSchema>["arrays"][number]["group"];

/** Writes the file under a temporary name, flushes it to disk and renames it into place. */
export async function writeCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  const { parameters, training, stepCount, elapsedSeconds } = checkpoint;
  const { stepCount: updateCount, ...groups } = parameters;
  const arrays = Object.entries({ ...groups, training: training.arrays }).flatMap(([group, values]) =>
    Object.entries(values).map(([name, numbers]) => ({ group: group as Group, name, numbers })),
  );
  const header: z.infer<typeof headerSchema> = {
    stepCount,
    elapsedSeconds,
    updateCount,
    counters: { ...training.counters },
    arrays: arrays.map(({ group, name, numbers }) => ({
      group,
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

  const hash = createHash("sha256");
  const file = await open(`${path}.tmp`, "w");
  try {
    for (const part of [prefix, padded, ...arrays.map(({ numbers }) => bytesOf(numbers))]) {
      hash.update(part);
      await file.writeFile(part);
    }
    await file.writeFile(hash.digest());
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.tmp`, path);
}

/** @throws InputError naming the file, if it is missing, cut, altered or of another version */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const bytes = await readFile(path).catch(() => null);
  if (!bytes)
    throw new InputError(`checkpoint: ${path} is missing. Give a run folder that holds checkpoints.`);
  const refuse = (why: string) =>
    new InputError(`checkpoint: ${path}: ${why}. Resume from another checkpoint.`);
  if (bytes.length < PREFIX_BYTES + HASH_BYTES || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw refuse("not a checkpoint, or cut short");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(MAGIC.length, true);
  if (version !== VERSION) throw refuse(`format version ${version}, but this program reads ${VERSION}`);
  const body = bytes.subarray(0, bytes.length - HASH_BYTES);
  const hash = createHash("sha256").update(body).digest();
  if (!hash.equals(bytes.subarray(bytes.length - HASH_BYTES)))
    throw refuse("altered or cut short since it was written");

  const headerEnd = PREFIX_BYTES + view.getUint32(MAGIC.length + 4, true);
  const header = parseHeader(body.subarray(PREFIX_BYTES, headerEnd).toString("utf8"));
  const declared = header?.arrays.reduce((total, { length }) => total + length * 4, headerEnd);
  if (!header || declared !== body.length) throw refuse("damaged header");
  const groups: Record<Group, Record<string, Numbers>> = {
    weights: {},
    average: {},
    firstMoment: {},
    secondMoment: {},
    training: {},
  };
  let offset = headerEnd;
  for (const { group, name, dtype, length } of header.arrays) {
    const copy = new Uint8Array(body.subarray(offset, offset + length * 4)).buffer;
    groups[group][name] = dtype === "float32" ? new Float32Array(copy) : new Int32Array(copy);
    offset += length * 4;
  }
  const { training, ...parameters } = groups;
  return {
    stepCount: header.stepCount,
    elapsedSeconds: header.elapsedSeconds,
    parameters: {
      ...(parameters as Record<Exclude<Group, "training">, ParameterValues>),
      stepCount: header.updateCount,
    },
    training: { counters: header.counters, arrays: training },
  };
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
