/** Reading a file front to back, gunzipped if it is gzip, without trusting how large it says it is. */

import { open } from "node:fs/promises";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { InputError } from "../input-error.ts";

export interface ByteReader {
  readonly isGzip: boolean;
  /** The file's size. */
  readonly storedBytes: number;
  /** No more bytes than this can come: the file's size, or what gzip could make of it at the very most. */
  readonly mostBytes: number;
  /** Fills `target` as far as the bytes go, and returns how many came. */
  read(target: Uint8Array): Promise<number>;
  /** Whether gzip data stopped before their own end; known once `read` came to it. */
  endsEarly(): boolean;
  close(): void;
}

/** Deflate can't encode more than 258 bytes in two bits. */
const DEFLATE_MAX_RATIO = 1032;
const CHUNK_BYTES = 1 << 20;

export async function openBytes(path: string): Promise<ByteReader> {
  const file = await open(path);
  const magic = Buffer.alloc(2);
  await file.read(magic, 0, 2, 0);
  const isGzip = magic[0] === 0x1f && magic[1] === 0x8b;
  const { size } = await file.stat();
  const raw = file.createReadStream({ start: 0, highWaterMark: CHUNK_BYTES });
  const stream = isGzip ? pipeline(raw, createGunzip({ chunkSize: CHUNK_BYTES }), () => {}) : raw;
  const chunks: AsyncIterator<Uint8Array> = stream[Symbol.asyncIterator]();

  let pending: Uint8Array = new Uint8Array(0);
  let endsEarly = false;
  async function nextChunk(): Promise<boolean> {
    try {
      const { done, value } = await chunks.next();
      if (!done) pending = value;
      return !done;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      endsEarly = code === "Z_BUF_ERROR";
      if (endsEarly) return false;
      if (code?.startsWith("Z_")) {
        throw new InputError(`${path}: damaged gzip data (${message}). Get the file again.`);
      }
      throw error;
    }
  }
  return {
    isGzip,
    storedBytes: size,
    mostBytes: isGzip ? size * DEFLATE_MAX_RATIO : size,
    async read(target) {
      let filled = 0;
      while (filled < target.length) {
        if (pending.length === 0 && !(await nextChunk())) break;
        const part = pending.subarray(0, target.length - filled);
        target.set(part, filled);
        filled += part.length;
        pending = pending.subarray(part.length);
      }
      return filled;
    },
    endsEarly: () => endsEarly,
    close() {
      stream.destroy();
    },
  };
}
