import type { ModelStorage } from "./storage.ts";

/** What is used of a bucket. */
export interface Bucket {
  get(
    key: string,
    options?: {
      onlyIf?: { etagDoesNotMatch: string };
      range?: { offset: number; length: number };
    },
  ): Promise<BucketObject | null>;
}

interface BucketObject {
  readonly etag: string;
  /** Left out of an object that is still the known copy. */
  readonly body?: ReadableStream<Uint8Array>;
}

/** Bundles in an R2 bucket: a new version is served without deploying the Worker. */
export function r2Storage(bucket: Bucket, refreshMs: number): ModelStorage {
  return {
    refreshMs,
    open: async (path, knownTag) =>
      answer(
        await (knownTag ? bucket.get(path, { onlyIf: { etagDoesNotMatch: knownTag } }) : bucket.get(path)),
      ),
    openPage: async (path, { offset, length }) =>
      answer(await bucket.get(path, { range: { offset, length } })),
  };
}

function answer(object: BucketObject | null): Response {
  if (!object) return new Response(null, { status: 404 });
  if (!object.body) return new Response(null, { status: 304 });
  return new Response(object.body, { headers: { etag: object.etag } });
}
