import type { ModelStorage } from "./storage.ts";

/** Bundles within the Worker's own script, for tiny models: nothing is read, and the script's size limit is theirs. */
export function embeddedStorage(files: Readonly<Record<string, ArrayBuffer>>): ModelStorage {
  return {
    refreshMs: null,
    open: async (path) => new Response(files[path] ?? null, { status: files[path] ? 200 : 404 }),
  };
}
