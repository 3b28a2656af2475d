import type { ModelStorage } from "./storage.ts";

/** Bundles within the Worker's own script, for tiny models: nothing is read, and the script's size limit is theirs. */
export function embeddedStorage(files: Readonly<Record<string, ArrayBuffer>>): ModelStorage {
  return {
    refreshMs: null,
    open: async (path) => answer(files[path]),
    openPage: async (path, { offset, length }) => answer(files[path]?.slice(offset, offset + length)),
  };
}

function answer(bytes: ArrayBuffer | undefined): Response {
  return bytes ? new Response(bytes) : new Response(null, { status: 404 });
}
