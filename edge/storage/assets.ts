import { type ModelStorage, pagePath } from "./storage.ts";

/** Fetches a static asset by its path, say `glyphs/manifest.json`; status 404 where there is none. */
export type FetchAsset = (path: string) => Promise<Response>;

/**
 * Bundles among the Worker's static assets: up to 25 MiB a file, replaced by deploying the Worker. They know no ranges,
 * so the files that are read by pages are deployed as such (cli/assets.ts).
 */
export function assetStorage(fetchAsset: FetchAsset): ModelStorage {
  return {
    refreshMs: null,
    open: (path) => fetchAsset(path),
    openPage: (path, page) => fetchAsset(pagePath(path, page)),
  };
}
