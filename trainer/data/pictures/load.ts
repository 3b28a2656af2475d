/** Pictures, wherever they lie, as a data set: from the cache if they were decoded before, else decoded in parallel. */

import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { createRandom } from "../../../shared/random.ts";
import { InputError } from "../../input-error.ts";
import { type Dataset, type Rows, reorderRows, sliceRows } from "../dataset.ts";
import { dataName } from "../folder.ts";
import type { LoadOptions } from "../source.ts";
import { shuffleAndSplit } from "../split.ts";
import { cacheKey, type DecodedPictures, readCache, type SkippedPictures, writeCache } from "./cache.ts";
import { createDecoder, type Decoder, UnusablePicture } from "./decode.ts";
import { inParallel } from "./in-parallel.ts";
import { layOut, type PartName } from "./layout.ts";
import { createPictureRows, withChannels } from "./rows.ts";

/** A place that holds picture files. */
export interface PictureFiles {
  /** What changes whenever a file does: names, sizes, times. */
  readonly stamps: readonly string[];
  /** Their names, in any order, no two alike: see `pictureName`. */
  names(): Promise<readonly string[]>;
  /** Every one of those names, in whatever order is quickest. */
  read(): Iterable<PictureFile> | AsyncIterable<PictureFile>;
}

export interface PictureFile {
  readonly name: string;
  /** @throws UnusablePicture if it can't be read */
  bytes(): Promise<Uint8Array>;
}

export const MAX_PICTURES = 2 ** 21;
/** More than Node's thread pool works on at a time, so that it never waits. */
const DECODED_AT_ONCE = Math.max(8, 2 * availableParallelism());
const SKIPPED_EXAMPLES = 20;
const SKIPPED_SHOWN = 3;

/**
 * @param path what the user calls the place
 * @throws InputError if there are no usable pictures, or, where the options are strict, an unusable one
 */
export async function loadPictures(
  path: string,
  files: PictureFiles,
  options: LoadOptions,
): Promise<Dataset> {
  const pictures = withChannels(await decodedPictures(path, files, options), options.channels);
  tellSkipped(path, pictures.skipped, options);
  const { train, ...given } = partsOf(pictures);
  // They lie class by class, and measurements take the first so many.
  for (const [name, part] of Object.entries(given)) {
    if (part) reorderRows(part, createRandom(options.seed).fork(name).permutation(part.count));
  }
  return {
    name: dataName(path),
    kind: "image",
    shape: pictures.shape,
    labelNames: pictures.classes,
    modes: null,
    ...shuffleAndSplit(train, given, options.seed, path),
  };
}

/** From the cache, or decoded and kept there. */
async function decodedPictures(
  path: string,
  files: PictureFiles,
  options: LoadOptions,
): Promise<DecodedPictures> {
  const { cacheFolder, reporter } = options;
  const decoder = await createDecoder();
  const key = cacheKey(resolve(path), files.stamps, decoder.name, options.size);
  const tell = (pictures: DecodedPictures, how: string) =>
    reporter.note("pictures", `pictures: ${countOf(pictures).toLocaleString("en")} ${how}`, {
      count: countOf(pictures),
    });
  const cached = await readCache(cacheFolder, key);
  if (cached) {
    tell(cached, `from ${cacheFolder}, where they were kept`);
    return cached;
  }
  const pictures = await decodeAll(path, files, decoder, options);
  await writeCache(cacheFolder, key, pictures).then(
    () => tell(pictures, `decoded and kept in ${cacheFolder}`),
    (error: Error) => tell(pictures, `decoded, but not kept (${error.message})`),
  );
  return pictures;
}

async function decodeAll(
  path: string,
  files: PictureFiles,
  decoder: Decoder,
  { size, strict, signal, reporter }: LoadOptions,
): Promise<DecodedPictures> {
  const names = await files.names();
  if (names.length > MAX_PICTURES) {
    throw new InputError(
      `${path}: ${names.length.toLocaleString("en")} pictures, at most ${MAX_PICTURES.toLocaleString("en")} are read. Give fewer.`,
    );
  }
  const { pictures, classes } = layOut(names);
  const rowOf = new Map(pictures.map(({ name }, row) => [name, row]));
  const rows = createPictureRows(pictures.length, path);
  const unusable: { name: string; reason: string }[] = [];
  let done = 0;
  await inParallel(files.read(), DECODED_AT_ONCE, async ({ name, bytes }) => {
    signal.throwIfAborted();
    try {
      rows.place(rowOf.get(name)!, name, await decoder.decode(await bytes(), size));
    } catch (error) {
      if (!(error instanceof UnusablePicture)) throw error;
      const found = { name, reason: error.message };
      if (strict) throw refusal(path, found);
      unusable.push(found);
    }
    reporter.working("decoding pictures", ++done, pictures.length);
  });
  unusable.sort((a, b) => (a.name < b.name ? -1 : 1));
  const decoded = rows.finish();
  if (!decoded) {
    throw new InputError(
      `${path}: none of its ${pictures.length.toLocaleString("en")} pictures can be decoded; ${describeSkipped(unusable[0]!)}.`,
    );
  }
  const kept = decoded.placed.map((row) => pictures[row]!);
  const countIn = (part: PartName) => kept.filter((picture) => picture.part === part).length;
  return {
    shape: decoded.shape,
    values: decoded.values,
    labels: classes && Uint16Array.from(kept, ({ label }) => label),
    classes,
    counts: { train: countIn("train"), heldOut: countIn("heldOut"), test: countIn("test") },
    skipped: { count: unusable.length, examples: unusable.slice(0, SKIPPED_EXAMPLES) },
  };
}

function countOf({ counts }: DecodedPictures): number {
  return counts.train + counts.heldOut + counts.test;
}

function partsOf(pictures: DecodedPictures): { train: Rows; heldOut: Rows | null; test: Rows | null } {
  const { values, labels, counts } = pictures;
  const count = countOf(pictures);
  const rows: Rows = { count, length: values.length / count, values, labels };
  const part = (first: number, size: number) => (size > 0 ? sliceRows(rows, first, size) : null);
  return {
    train: sliceRows(rows, 0, counts.train),
    heldOut: part(counts.train, counts.heldOut),
    test: part(counts.train + counts.heldOut, counts.test),
  };
}

/** @throws InputError if there are any and the options are strict */
function tellSkipped(
  path: string,
  { count, examples }: SkippedPictures,
  { strict, reporter }: LoadOptions,
): void {
  if (count === 0) return;
  if (strict) throw refusal(path, examples[0]!);
  const shown = examples.slice(0, SKIPPED_SHOWN).map(describeSkipped).join(", ");
  const rest = count > SKIPPED_SHOWN ? ` and ${(count - SKIPPED_SHOWN).toLocaleString("en")} more` : "";
  reporter.note(
    "skipped",
    `skipped ${count.toLocaleString("en")} of the pictures in ${path}, which can't be decoded: ${shown}${rest}; --strict makes that an error`,
    { count, skipped: examples },
  );
}

function refusal(path: string, skipped: { name: string; reason: string }): InputError {
  return new InputError(
    `${path}: ${describeSkipped(skipped)}. Mend or remove it, or leave --strict out to go on without it.`,
  );
}

/** An archive's names come from anywhere, so that what a terminal would obey is taken out. */
function describeSkipped({ name, reason }: { name: string; reason: string }): string {
  return `${name} (${reason})`.replaceAll(/\p{C}/gu, "�");
}
