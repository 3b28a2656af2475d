import type { ModelStorage } from "./storage.ts";

/** Fetches a static asset by its path, say `glyphs/manifest.json`; status 404 where there is none. */
export type FetchAsset = (path: string) => Promise<Response>;

/** Bundles among the Worker's static assets: up to 25 MiB a file, replaced by deploying the Worker. */
export function assetStorage(fetchAsset: FetchAsset): ModelStorage {
  return { open: (path) => fetchAsset(path), refreshMs: null };
}
