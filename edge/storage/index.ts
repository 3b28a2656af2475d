/** The storages by the name that wrangler.toml's MODEL_STORE gives. */

import { assetStorage, type FetchAsset } from "./assets.ts";
import { embeddedStorage } from "./embedded.ts";
import { type Bucket, r2Storage } from "./r2.ts";
import type { ModelStorage } from "./storage.ts";

/** What the host has to offer. */
export interface StorageHost {
  readonly fetchAsset: FetchAsset;
  /** The binding MODELS; null: there is none. */
  readonly bucket: Bucket | null;
  /** What was built into the script, by path. */
  readonly embedded: Readonly<Record<string, ArrayBuffer>>;
  readonly refreshMs: number;
}

export const STORAGES: Readonly<Record<string, (host: StorageHost) => ModelStorage>> = {
  assets: ({ fetchAsset }) => assetStorage(fetchAsset),
  r2: ({ bucket, refreshMs }) => {
    if (!bucket)
      throw new Error('wrangler.toml: MODEL_STORE is "r2", but there is no R2 bucket bound to MODELS');
    return r2Storage(bucket, refreshMs);
  },
  embedded: ({ embedded }) => embeddedStorage(embedded),
};

/** @throws Error for a name that isn't listed, or a binding that is missing */
export function createStorage(name: string, host: StorageHost): ModelStorage {
  const create = STORAGES[name];
  if (!create) {
    throw new Error(`wrangler.toml: MODEL_STORE is "${name}"; expected ${Object.keys(STORAGES).join(", ")}`);
  }
  return create(host);
}
