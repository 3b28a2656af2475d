/**
 * Decoded pictures on disk, so that a data set is decoded once: one file a set and way of decoding, named by a hash
 * of what it was made from. A file that is damaged, or is something else, counts as absent.
 *
 * Layout: magic "IMLEpics", uint32 format version, uint32 header length, header (JSON), a uint16 label a row where
 * there are classes, the rows, then SHA-256 of all before it. Little-endian.
 */

import { createHash, type Hash } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { PicturePixels } from "./rows.ts";

export interface DecodedPictures extends PicturePixels {
  /** A number of `classes` a row; null where there are none. */
  readonly labels: Uint16Array<ArrayBuffer> | null;
  readonly classes: readonly string[] | null;
  /** How many rows each part has; the rows come in this order. */
  readonly counts: { readonly train: number; readonly heldOut: number; readonly test: number };
  readonly skipped: SkippedPictures;
}

/** Files that gave no picture. */
export interface SkippedPictures {
  readonly count: number;
  /** The first of them by name, and why. */
  readonly examples: readonly { readonly name: string; readonly reason: string }[];
}

const MAGIC = Buffer.from("IMLEpics");
const VERSION = 1;
const PREFIX_BYTES = MAGIC.length + 8;
const HASH_BYTES = 32;
const CHUNK_BYTES = 2 ** 23;
/** The folder is kept below this: what wasn't used for longest goes first. */
const MAX_FOLDER_BYTES = 2 ** 33;
/** Ours, finished or not. */
const FILE_NAME = /^[0-9a-f]{32}\.pictures(\.\d+\.tmp)?$/;

const count = z.number().int().nonnegative();
const headerSchema = z.strictObject({
  key: z.string(),
  shape: z.tuple([count.positive(), count.positive(), z.union([z.literal(1), z.literal(3)])]),
  classes: z.array(z.string()).nullable(),
  counts: z.strictObject({ train: count, heldOut: count, test: count }),
  skipped: z.strictObject({
    count,
    examples: z.array(z.strictObject({ name: z.string(), reason: z.string() })),
  }),
});
type Header = z.infer<typeof headerSchema>;

/** The key of what was made from these: every file's name, size and time of change, and how it is decoded. */
export function cacheKey(...madeFrom: readonly unknown[]): string {
  const text = JSON.stringify([VERSION, ...madeFrom]);
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** What was written under this key; null if nothing was, or it can't be trusted. */
export async function readCache(folder: string, key: string): Promise<DecodedPictures | null> {
  const path = pathOf(folder, key);
  const file = await open(path).catch(() => null);
  if (!file) return null;
  try {
    const pictures = await readPictures(file, key);
    // Used now, as the folder's limit counts it.
    if (pictures) await utimes(path, new Date(), new Date()).catch(() => {});
    return pictures;
  } catch {
    return null;
  } finally {
    await file.close();
  }
}

/** Writes under a temporary name and renames into place. */
export async function writeCache(folder: string, key: string, pictures: DecodedPictures): Promise<void> {
  const { shape, values, labels, classes, counts, skipped } = pictures;
  const header: Header = {
    key,
    shape: [...shape],
    classes: classes && [...classes],
    counts,
    skipped: { count: skipped.count, examples: [...skipped.examples] },
  };
  const text = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  MAGIC.copy(prefix);
  prefix.writeUInt32LE(VERSION, MAGIC.length);
  prefix.writeUInt32LE(text.length, MAGIC.length + 4);

  await mkdir(folder, { recursive: true });
  const path = pathOf(folder, key);
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, "w");
    try {
      const hash = createHash("sha256");
      for (const part of [prefix, text, ...(labels ? [labels] : []), values]) {
        for (const chunk of chunksOf(part)) {
          hash.update(chunk);
          await file.writeFile(chunk);
        }
      }
      await file.writeFile(hash.digest());
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await dropOldest(folder);
}

function pathOf(folder: string, key: string): string {
  return join(folder, `${key}.pictures`);
}

async function readPictures(file: FileHandle, key: string): Promise<DecodedPictures | null> {
  const { size } = await file.stat();
  const hash = createHash("sha256");
  const prefix = Buffer.alloc(PREFIX_BYTES);
  if (!(await fill(prefix, file, hash))) return null;
  if (!prefix.subarray(0, MAGIC.length).equals(MAGIC) || prefix.readUInt32LE(MAGIC.length) !== VERSION) {
    return null;
  }
  const headerBytes = prefix.readUInt32LE(MAGIC.length + 4);
  if (headerBytes > size) return null;
  const text = Buffer.alloc(headerBytes);
  if (!(await fill(text, file, hash))) return null;
  const {
    key: writtenKey,
    shape,
    classes,
    counts,
    skipped,
  } = headerSchema.parse(JSON.parse(text.toString()));

  const rowCount = counts.train + counts.heldOut + counts.test;
  const length = shape[0] * shape[1] * shape[2];
  const bodyBytes = rowCount * (length + (classes ? 2 : 0));
  if (writtenKey !== key || PREFIX_BYTES + headerBytes + bodyBytes + HASH_BYTES !== size) return null;
  const labels = classes && new Uint16Array(rowCount);
  const values = new Uint8Array(rowCount * length);
  if (labels && !(await fill(labels, file, hash))) return null;
  if (!(await fill(values, file, hash))) return null;
  const written = Buffer.alloc(HASH_BYTES);
  if (!(await fill(written, file)) || !hash.digest().equals(written)) return null;
  return { shape, values, labels, classes, counts, skipped };
}

/** Reads until `target` is full, in chunks; false if the file ends before. */
async function fill(target: ArrayBufferView, file: FileHandle, hash?: Hash): Promise<boolean> {
  for (const chunk of chunksOf(target)) {
    for (let filled = 0; filled < chunk.length; ) {
      const { bytesRead } = await file.read(chunk, filled, chunk.length - filled);
      if (bytesRead === 0) return false;
      filled += bytesRead;
    }
    hash?.update(chunk);
  }
  return true;
}

function* chunksOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Generator<Uint8Array> {
  for (let first = 0; first < byteLength; first += CHUNK_BYTES) {
    yield new Uint8Array(buffer, byteOffset + first, Math.min(CHUNK_BYTES, byteLength - first));
  }
}

/** Another run may do the same at the same time, so a file that is gone is no surprise. */
async function dropOldest(folder: string): Promise<void> {
  const paths = (await readdir(folder))
    .filter((name) => FILE_NAME.test(name))
    .map((name) => join(folder, name));
  const files = await Promise.all(
    paths.map(async (path) => {
      const status = await stat(path).catch(() => null);
      return { path, size: status?.size ?? 0, mtimeMs: status?.mtimeMs ?? 0 };
    }),
  );
  files.sort((a, b) => b.mtimeMs - a.mtimeMs);
  let total = 0;
  for (const [age, { path, size }] of files.entries()) {
    total += size;
    // The newest is the one that was just written.
    if (total > MAX_FOLDER_BYTES && age > 0) await rm(path, { force: true });
  }
}
