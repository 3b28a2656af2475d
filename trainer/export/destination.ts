/** Where a bundle may go: asked before training, so that nobody trains for nothing, and before writing. */

import { constants } from "node:fs";
import { access, mkdir, readdir, readFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { manifestSchema } from "../../shared/manifest.ts";
import { InputError } from "../input-error.ts";

/** How a manifest's `createdBy` begins. */
export const CREATOR = "imle-edge";

/**
 * Checks that a bundle can be written to `directory`, and makes the folder that it will lie in. What is there
 * already is replaced only if it is an exported bundle itself.
 *
 * @throws InputError in one line, if the name is no model's, something else is there, or it can't be written
 */
export async function checkDestination(directory: string): Promise<void> {
  const target = resolve(directory);
  const name = manifestSchema.shape.name.safeParse(basename(target));
  if (!name.success) {
    throw new InputError(
      `--out: "${basename(target)}" is no name for a model (at most 64 ${name.error.issues[0]!.message}). ` +
        "Give another folder.",
    );
  }
  try {
    await mkdir(dirname(target), { recursive: true });
    await access(dirname(target), constants.W_OK);
    const present = await readdir(target).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
    if (present.length === 0 || (await isBundle(target))) return;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new InputError(`--out: ${directory} can't be written (${code}). Give another folder.`);
  }
  throw new InputError(
    `--out: ${directory} holds other files and no exported model; it would be replaced. Give a folder of its own.`,
  );
}

async function isBundle(directory: string): Promise<boolean> {
  const text = await readFile(join(directory, "manifest.json"), "utf8").catch(() => "");
  try {
    return String((JSON.parse(text) as { createdBy?: unknown }).createdBy).startsWith(CREATOR);
  } catch {
    return false;
  }
}
