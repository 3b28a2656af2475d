/** Files of a bundle in the making. */

export interface BundleFile {
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Joins the arrays' bytes (little-endian on every host that runs Node) and cuts them into parts of at most `limit` bytes. */
export function shard(arrays: readonly ArrayBufferView[], limit: number): Uint8Array<ArrayBuffer>[] {
  const total = arrays.reduce((bytes, array) => bytes + array.byteLength, 0);
  const joined = new Uint8Array(total);
  let offset = 0;
  for (const array of arrays) {
    joined.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), offset);
    offset += array.byteLength;
  }
  const parts = Math.max(1, Math.ceil(total / limit));
  return Array.from({ length: parts }, (_, i) =>
    joined.subarray(i * limit, Math.min(total, (i + 1) * limit)),
  );
}
