/** A folder of pictures: PNG, JPEG or WebP files, at any depth; see `pictures/layout.ts` for what subfolders mean. */

import type { Stats } from "node:fs";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { isFolder } from "./folder.ts";
import { checkFileBytes, UnusablePicture } from "./pictures/decode.ts";
import { inParallel } from "./pictures/in-parallel.ts";
import { pictureName } from "./pictures/layout.ts";
import { loadPictures, type PictureFile } from "./pictures/load.ts";
import type { FileSource } from "./source.ts";

const LOOKED_AT_ONCE = 64;

export const imageFolder: FileSource = {
  name: "image-folder",
  expects: "a folder of PNG, JPEG or WebP pictures",

  async detect(path) {
    if (!(await isFolder(path))) return false;
    for await (const _ of findPictures(path)) return true;
    return false;
  },

  async load(path, options) {
    const files: { name: string; status: Stats }[] = [];
    await inParallel(findPictures(path), LOOKED_AT_ONCE, async (name) => {
      options.signal.throwIfAborted();
      files.push({ name, status: await stat(join(path, name)) });
    });
    files.sort((a, b) => (a.name < b.name ? -1 : 1));
    return loadPictures(
      path,
      {
        stamps: files.map(({ name, status }) => `${name} ${status.size} ${status.mtimeMs}`),
        names: async () => files.map(({ name }) => name),
        read: () => files.map(({ name, status }) => pictureFile(path, name, status.size)),
      },
      options,
    );
  },
};

function pictureFile(folder: string, name: string, size: number): PictureFile {
  return {
    name,
    async bytes() {
      checkFileBytes(size);
      return readFile(join(folder, name)).catch((error: NodeJS.ErrnoException) => {
        throw new UnusablePicture(`not readable: ${error.code}`);
      });
    },
  };
}

/** Names of the pictures below `root`, as they are found. Links are followed, but not round in a circle. */
async function* findPictures(root: string): AsyncGenerator<string> {
  yield* findBelow("", []);

  async function* findBelow(folder: string, above: readonly string[]): AsyncGenerator<string> {
    const real = await realpath(join(root, folder));
    if (above.includes(real)) return;
    for (const entry of await readdir(real, { withFileTypes: true })) {
      const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.name.startsWith(".")) continue;
      // A link that leads nowhere is nothing.
      const kind = entry.isSymbolicLink() ? await stat(join(root, name)).catch(() => null) : entry;
      if (kind?.isDirectory()) yield* findBelow(name, [...above, real]);
      else if (kind?.isFile() && pictureName(name) !== null) yield name;
    }
  }
}
