/** A folder for every test, the files of pictures and the archives to put into it, and the data set they make. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import sharp, { type Sharp } from "sharp";
import { type Header, pack } from "tar-stream";
import { afterAll, beforeEach, expect } from "vitest";
import { createRandom } from "../shared/random.ts";
import type { Dataset, Rows } from "../trainer/data/dataset.ts";
import { type DatasetRequest, loadDataset } from "../trainer/data/index.ts";
import { InputError } from "../trainer/input-error.ts";

export const root = mkdtempSync(join(tmpdir(), "imle-pictures-"));
afterAll(() => rmSync(root, { recursive: true }));

export let folder: string;
export let cacheFolder: string;
export let sets = 0;
beforeEach(() => {
  folder = join(root, `set-${sets++}`);
  cacheFolder = join(folder, "..", `cache-${sets}`);
  mkdirSync(folder);
});

export type Files = Readonly<Record<string, Uint8Array | string>>;

export function write(files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

export interface Note {
  readonly event: string;
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

/** Loads and keeps what was told. */
export async function loadAndListen(
  options: Partial<DatasetRequest> = {},
  name = "",
): Promise<{ dataset: Dataset; notes: Note[]; work: [string, number, number][] }> {
  const notes: Note[] = [];
  const work: [string, number, number][] = [];
  const dataset = await loadDataset({
    path: join(folder, name),
    seed: 1,
    cacheFolder,
    reporter: {
      note: (event, text, fields) => notes.push({ event, text, fields }),
      working: (...told) => work.push(told),
    },
    ...options,
  });
  return { dataset, notes, work };
}

export async function load(options: Partial<DatasetRequest> = {}, name = ""): Promise<Dataset> {
  return (await loadAndListen(options, name)).dataset;
}

/** Loading must fail with one line that names the place and matches. */
export async function refuses(
  message: RegExp,
  options: Partial<DatasetRequest> = {},
  name = "",
): Promise<void> {
  const error = await load(options, name).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InputError);
  expect((error as Error).message).toMatch(message);
  expect((error as Error).message).toContain(folder);
  expect((error as Error).message).not.toContain("\n");
}

export function rowOf(rows: Rows, row: number): number[] {
  return [...rows.values.subarray(row * rows.length, (row + 1) * rows.length)];
}

/** Every row of every part, in ascending order of their text, with its label. */
export function allRows({ train, heldOut, test: tested }: Dataset): string[] {
  return [train, heldOut, tested]
    .flatMap((part) =>
      part ? Array.from({ length: part.count }, (_, i) => `${rowOf(part, i)} ${part.labels?.[i]}`) : [],
    )
    .sort();
}

export function pixelsOf(width: number, height: number, channels: number, seed: number): Buffer {
  const random = createRandom(seed);
  return Buffer.from(Array.from({ length: width * height * channels }, () => random.below(256)));
}

/** A lossless file of random pixels. */
export async function png(seed: number, width = 4, height = 4, channels: 1 | 2 | 3 | 4 = 3): Promise<Buffer> {
  const file = sharp(pixelsOf(width, height, channels, seed), { raw: { width, height, channels } });
  return (channels < 3 ? file.toColourspace("b-w") : file).png().toBuffer();
}

/** One flat colour. */
export function flat(
  colour: { r: number; g: number; b: number; alpha?: number },
  { width = 4, height = 4 } = {},
): Sharp {
  const channels = colour.alpha === undefined ? 3 : 4;
  return sharp({ create: { width, height, channels, background: colour } });
}

/** `a.png`, `b.png`, … of 4×4 random pixels. */
export async function numbered(count: number, prefix = ""): Promise<Record<string, Buffer>> {
  const files: Record<string, Buffer> = {};
  for (let i = 0; i < count; i++) files[`${prefix}${String.fromCharCode(97 + i)}.png`] = await png(i);
  return files;
}

export async function tarOf(
  entries: readonly [Partial<Header> & { name: string }, (Uint8Array | string)?][],
): Promise<Buffer> {
  const archive = pack();
  for (const [header, content] of entries) archive.entry(header, content ?? "");
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export const tarOfFiles = (files: Files, prefix = "") =>
  tarOf(Object.entries(files).map(([name, content]) => [{ name: prefix + name }, content]));

/** A tar header that claims so many bytes, below 2^33. */
export async function headerClaiming(name: string, bytes: number): Promise<Buffer> {
  const header = Buffer.from((await tarOf([[{ name }]])).subarray(0, 512));
  header.write(bytes.toString(8).padStart(11, "0"), 124, "latin1");
  header.fill(" ", 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

/** The PNG with other sizes in its header, whose checksum is right. */
export function claimingSize(file: Buffer, width: number, height: number): Buffer {
  const forged = Buffer.from(file);
  forged.writeUInt32BE(width, 16);
  forged.writeUInt32BE(height, 20);
  // gzip's own checksum is PNG's, and little-endian.
  forged.writeUInt32BE(
    gzipSync(forged.subarray(12, 29)).readUInt32LE(gzipSync(forged.subarray(12, 29)).length - 8),
    29,
  );
  return forged;
}
