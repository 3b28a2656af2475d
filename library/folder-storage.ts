import { open, readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { MODEL_LIST, type ModelStorage } from "../edge/storage/storage.ts";
import { parseManifest } from "../shared/manifest.ts";

/**
 * Exported bundles as they lie on this machine's disk; a model that is exported anew is served within seconds.
 *
 * @param bundles folders, models/NAME; the first one's model is the default
 * @throws BundleError if one isn't a bundle; Error if two models have the same name
 */
export async function folderStorage(
  bundles: readonly string[],
  { refreshMs = 5_000 }: { readonly refreshMs?: number } = {},
): Promise<ModelStorage> {
  const folders = new Map<string, string>();
  for (const bundle of bundles) {
    const path = join(bundle, "manifest.json");
    const { name } = await parseManifest(await readFile(path, "utf8"), path);
    if (folders.has(name)) throw new Error(`${bundle}: its model is named "${name}", and so is another's`);
    folders.set(name, resolve(bundle));
  }
  /** NAME/manifest.json, or NAME/VERSION/FILE: a bundle has one version, and hashes tell whether it is the one. */
  const fileOf = (path: string): string | null => {
    const folder = folders.get(path.split("/")[0]!);
    return folder ? join(folder, basename(path)) : null;
  };
  const answer = async (path: string, read: (file: string) => Promise<Uint8Array<ArrayBuffer>>) => {
    const file = fileOf(path);
    if (file === null) return new Response(null, { status: 404 });
    try {
      return new Response(await read(file));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Response(null, { status: 404 });
      throw error;
    }
  };
  return {
    refreshMs,
    open: async (path) =>
      path === MODEL_LIST
        ? Response.json([...folders.keys()])
        : answer(path, async (file) => new Uint8Array(await readFile(file))),
    openPage: (path, { offset, length }) =>
      answer(path, async (file) => {
        const handle = await open(file);
        try {
          const { buffer, bytesRead } = await handle.read(new Uint8Array(length), 0, length, offset);
          return buffer.subarray(0, bytesRead);
        } finally {
          await handle.close();
        }
      }),
  };
}
