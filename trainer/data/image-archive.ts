/**
 * Pictures inside a tar archive, gzipped or not, laid out as in a folder. It is read as a stream, once for the names
 * and once for the pictures; nothing is unpacked to disk, so names are only names, wherever they point.
 */

import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { extract, type Header } from "tar-stream";
import { InputError } from "../input-error.ts";
import { type ByteReader, openBytes } from "./byte-reader.ts";
import { matchingFiles, onlyMatchingFile } from "./folder.ts";
import { checkFileBytes } from "./pictures/decode.ts";
import { pictureName } from "./pictures/layout.ts";
import { loadPictures, MAX_PICTURES, type PictureFile } from "./pictures/load.ts";
import type { FileSource } from "./source.ts";

const FILE_NAME = /\.(tar|tar\.gz|tgz)$/i;
const CHUNK_BYTES = 2 ** 18;
/** Pictures are compressed already: an archive that gzip made this much smaller holds something else. */
const MAX_GZIP_RATIO = 200;
/** Below this any ratio will do. */
const ALWAYS_READ_BYTES = 2 ** 28;

export const imageArchive: FileSource = {
  name: "image-archive",
  expects: "a .tar or .tar.gz of such pictures",

  async detect(path) {
    return (await matchingFiles(path, FILE_NAME)).length > 0;
  },

  async load(path, options) {
    const file = await onlyMatchingFile(path, FILE_NAME);
    const { size, mtimeMs } = await stat(file);
    /** By name, the number of the entry: of several of one name the last one counts, as for tar. */
    const pictures = new Map<string, number>();

    async function names(): Promise<string[]> {
      options.reporter.note("archive", `looking through ${basename(file)}`);
      let others = 0;
      for await (const { name, number } of entriesOf(file, () => false)) {
        options.signal.throwIfAborted();
        if (name === null) others++;
        else pictures.set(name, number);
        if (pictures.size > MAX_PICTURES) break;
      }
      if (pictures.size === 0) {
        throw new InputError(`${file}: holds no PNG, JPEG or WebP pictures, but ${others} other entries.`);
      }
      return [...pictures.keys()];
    }

    async function* read(): AsyncGenerator<PictureFile> {
      const isWanted = (name: string, number: number) => pictures.get(name) === number;
      for await (const { name, content } of entriesOf(file, isWanted)) {
        options.signal.throwIfAborted();
        if (name !== null && content) yield { name, bytes: content };
      }
    }
    return loadPictures(path, { stamps: [`${file} ${size} ${mtimeMs}`], names, read }, options);
  },
};

interface Entry {
  /** Its place in the archive: the first is 0. */
  readonly number: number;
  /** Null: no picture, or no regular file. */
  readonly name: string | null;
  /** Null: not wanted. */
  readonly content: PictureFile["bytes"] | null;
}

async function* entriesOf(
  file: string,
  isWanted: (name: string, number: number) => boolean,
): AsyncGenerator<Entry> {
  const reader = await openBytes(file);
  const bytes = Readable.from(chunksOf(reader, file));
  const archive = extract();
  bytes.on("error", (error) => archive.destroy(error)).pipe(archive);
  try {
    let number = 0;
    for await (const entry of archive) {
      const name = nameOf(entry.header);
      const content = name !== null && isWanted(name, number) ? await contentOf(entry) : null;
      entry.resume();
      yield { number, name, content };
      number++;
    }
  } catch (error) {
    const { message, syscall } = error as NodeJS.ErrnoException;
    if (error instanceof InputError || syscall) throw error;
    throw new InputError(
      `${file}: no tar archive, or damaged or truncated (${message}). Get the file again.`,
    );
  } finally {
    bytes.destroy();
    archive.destroy();
    reader.close();
  }
}

async function* chunksOf(reader: ByteReader, file: string): AsyncGenerator<Uint8Array> {
  const most = Math.max(ALWAYS_READ_BYTES, reader.storedBytes * MAX_GZIP_RATIO);
  for (let total = 0; ; ) {
    const chunk = new Uint8Array(CHUNK_BYTES);
    const count = await reader.read(chunk);
    total += count;
    if (reader.isGzip && total > most) {
      throw new InputError(
        `${file}: ${reader.storedBytes} bytes that unpack to more than ${most}: no archive of pictures.`,
      );
    }
    if (reader.endsEarly()) {
      throw new InputError(`${file}: truncated: the gzip data end early. Get the file again.`);
    }
    if (count === 0) return;
    yield chunk.subarray(0, count);
  }
}

/** Links, devices and what else tar can hold are no pictures. */
function nameOf({ name, type }: Header): string | null {
  return type === "file" || type === "contiguous-file" ? pictureName(name) : null;
}

async function contentOf(
  entry: AsyncIterable<unknown> & { readonly header: Header },
): Promise<Entry["content"]> {
  try {
    checkFileBytes(entry.header.size);
  } catch (error) {
    return () => Promise.reject(error);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of entry) chunks.push(chunk as Buffer);
  const content = Buffer.concat(chunks);
  return () => Promise.resolve(content);
}
