/** The rows of a training set that isn't kept in memory: read page by page, each verified by its hash. */

import { BundleError, type Manifest } from "./manifest.ts";
import { sha256 } from "./sha256.ts";

/** Of a page's SHA-256, as many bytes are kept. */
export const PAGE_HASH_BYTES = 16;

export interface RowPage {
  readonly file: string;
  readonly offset: number;
  readonly length: number;
}

/** The pages of all shards, in order. */
export function rowPages(
  { shards, rowLength, dtype }: NonNullable<Manifest["neighbours"]>,
  pageRows: number,
): RowPage[] {
  const rowBytes = rowLength * (dtype === "uint8" ? 1 : 4);
  return shards.flatMap(({ file, rowCount }) =>
    Array.from({ length: Math.ceil(rowCount / pageRows) }, (_, i) => ({
      file,
      offset: i * pageRows * rowBytes,
      length: Math.min(pageRows, rowCount - i * pageRows) * rowBytes,
    })),
  );
}

export async function pageHash(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return (await sha256(bytes)).subarray(0, PAGE_HASH_BYTES);
}

export interface RowReader {
  /** The rows' bytes, in the order of their numbers. */
  read(numbers: ArrayLike<number>): Promise<Uint8Array<ArrayBuffer>[]>;
}

export interface RowReaderSpec {
  readonly name: string;
  readonly neighbours: NonNullable<Manifest["neighbours"]>;
  readonly pageRows: number;
  /** [pages, 16] */
  readonly hashes: Uint8Array;
  readonly readPage: (page: RowPage) => Promise<Uint8Array<ArrayBuffer>>;
  /** What is kept of the pages that were read last. */
  readonly cacheBytes: number;
}

/** @throws BundleError from `read`, for a page that isn't what the bundle was exported with */
export function createRowReader(spec: RowReaderSpec): RowReader {
  const { name, neighbours, pageRows, hashes, readPage, cacheBytes } = spec;
  const pages = rowPages(neighbours, pageRows);
  const rowBytes = neighbours.rowLength * (neighbours.dtype === "uint8" ? 1 : 4);
  if (hashes.length !== pages.length * PAGE_HASH_BYTES) {
    throw new BundleError(
      `${name}/manifest.json: ${pages.length} pages of rows, but ${hashes.length / PAGE_HASH_BYTES} hashes. Export the model again.`,
    );
  }
  /** The first row and the first page of every shard. */
  const starts = shardStarts(neighbours.shards, pageRows);
  const locate = (row: number) => {
    const shard = starts.findLast(({ firstRow }) => firstRow <= row)!;
    const inShard = row - shard.firstRow;
    return { page: shard.firstPage + Math.floor(inShard / pageRows), at: (inShard % pageRows) * rowBytes };
  };
  /** In the order of their last use. Only what has arrived: a request that is cut short must not keep others waiting. */
  const cache = new Map<number, Uint8Array<ArrayBuffer>>();
  const load = async (number: number) => {
    const cached = cache.get(number);
    const bytes = cached ?? (await readPage(pages[number]!));
    if (!cached) await verify(number, bytes);
    cache.delete(number);
    cache.set(number, bytes);
    const limit = Math.max(1, Math.floor(cacheBytes / (pageRows * rowBytes)));
    for (const oldest of cache.keys()) {
      if (cache.size <= limit) break;
      cache.delete(oldest);
    }
    return bytes;
  };
  const verify = async (number: number, bytes: Uint8Array<ArrayBuffer>) => {
    const expected = hashes.subarray(number * PAGE_HASH_BYTES, (number + 1) * PAGE_HASH_BYTES);
    const found = await pageHash(bytes);
    if (expected.every((byte, i) => byte === found[i])) return;
    const { file, offset } = pages[number]!;
    throw new BundleError(
      `${name}/${file}: the rows at ${offset} were altered since the model was exported. Deploy it again.`,
    );
  };

  return {
    async read(numbers) {
      const places = Array.from(numbers, locate);
      const needed = [...new Set(places.map(({ page }) => page))];
      const loaded = new Map(
        await Promise.all(needed.map(async (page) => [page, await load(page)] as const)),
      );
      return places.map(({ page, at }) => loaded.get(page)!.slice(at, at + rowBytes));
    },
  };
}

function shardStarts(shards: readonly { readonly rowCount: number }[], pageRows: number) {
  let firstRow = 0;
  let firstPage = 0;
  return shards.map(({ rowCount }) => {
    const start = { firstRow, firstPage };
    firstRow += rowCount;
    firstPage += Math.ceil(rowCount / pageRows);
    return start;
  });
}
