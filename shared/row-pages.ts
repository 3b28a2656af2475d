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
  /** The page's bytes, in memory that is the reader's from now on. */
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
  /** In the order of their last use. */
  const kept = new Map<number, Uint8Array<ArrayBuffer>>();
  const mostKept = Math.max(1, Math.floor(cacheBytes / (pageRows * rowBytes)));
  /** Only what has arrived is shared: a request that is cut short must not keep others waiting. */
  const use = async (number: number, copy: (page: Uint8Array) => void): Promise<void> => {
    let bytes = kept.get(number);
    if (!bytes) {
      bytes = await readPage(pages[number]!);
      await verify(number, bytes);
    }
    if (kept.get(number) !== bytes) drop(number); // another request was faster
    kept.delete(number);
    kept.set(number, bytes);
    copy(bytes);
    const [oldest] = kept.keys();
    if (kept.size > mostKept) drop(oldest!);
  };
  /** Gives the memory back at once: left to the garbage collector, pages would pile up. */
  const drop = (number: number) => {
    kept.get(number)?.buffer.transfer(0);
    kept.delete(number);
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
      const memory = new Uint8Array(places.length * rowBytes);
      const rows = places.map((_, i) => memory.subarray(i * rowBytes, (i + 1) * rowBytes));
      const needed = new Set(places.map(({ page }) => page));
      await Promise.all(
        Array.from(needed, (page) =>
          // Copied at once: while other pages are awaited, this one may be dropped.
          use(page, (bytes) => {
            places.forEach((place, i) => {
              if (place.page === page) rows[i]!.set(bytes.subarray(place.at, place.at + rowBytes));
            });
          }),
        ),
      );
      return rows;
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
