/**
 * Where served bundles lie. A storage is a value; index.ts lists them by name.
 *
 * `models.json` names the served models. `NAME/manifest.json` says which version of a model is the newest, and the
 * version's files lie under `NAME/VERSION/`: a new version lies beside the old one until the manifest is replaced, so
 * files of two versions never mix.
 */

import { BundleError } from "../../shared/manifest.ts";

/** A JSON array of names, the default model's first. */
export const MODEL_LIST = "models.json";

export const manifestPath = (name: string) => `${name}/manifest.json`;

export const filePath = (name: string, version: string, file: string) => `${name}/${version}/${file}`;

export interface ModelStorage {
  /**
   * A file.
   *
   * @param knownTag the entity tag of a copy that is there already
   * @returns status 200; 404 where there is no such file; 304 if it is still the known copy. Whatever else it answers
   *          or throws is a failure that may pass.
   */
  open(path: string, knownTag?: string | null): Promise<Response>;
  /**
   * How long a manifest is taken for the newest, in milliseconds; null: for good, as files are replaced by deploying
   * the Worker anew.
   */
  readonly refreshMs: number | null;
}

/** @throws BundleError naming the file, if it is missing or can't be read now */
export async function openFile(
  storage: ModelStorage,
  path: string,
  knownTag: string | null = null,
): Promise<Response> {
  let response: Response;
  try {
    response = await storage.open(path, knownTag);
  } catch (error) {
    throw unreadable(path, error);
  }
  if (response.ok || (response.status === 304 && knownTag !== null)) return response;
  await response.body?.cancel();
  throw new BundleError(
    response.status === 404
      ? `${path}: missing. Deploy the model again.`
      : `${path}: can't be read now (status ${response.status}). Try again.`,
  );
}

/** The whole of a file. As `openFile`; a body that breaks off is a failure too. */
export async function readWhole(
  storage: ModelStorage,
  path: string,
  knownTag: string | null = null,
): Promise<{ readonly response: Response; readonly bytes: Uint8Array<ArrayBuffer> }> {
  const response = await openFile(storage, path, knownTag);
  try {
    return { response, bytes: new Uint8Array(await response.arrayBuffer()) };
  } catch (error) {
    throw unreadable(path, error);
  }
}

/**
 * Copies a body into its place chunk by chunk, so that it is never in memory twice.
 *
 * @throws BundleError if it breaks off, or has not as many bytes as `target`
 */
export async function streamInto(target: Uint8Array, response: Response, path: string): Promise<void> {
  let offset = 0;
  // A reader, as not every host's stream is async iterable.
  const reader = response.body!.getReader();
  const next = () =>
    reader.read().catch((error: unknown) => {
      throw unreadable(path, error);
    });
  for (let chunk = await next(); !chunk.done; chunk = await next()) {
    if (offset + chunk.value.byteLength > target.byteLength) {
      await reader.cancel();
      throw new BundleError(`${path}: longer than ${target.byteLength} bytes. Export the model again.`);
    }
    target.set(chunk.value, offset);
    offset += chunk.value.byteLength;
  }
  if (offset < target.byteLength) {
    throw new BundleError(
      `${path}: ${offset} bytes, the manifest says ${target.byteLength}. Export the model again.`,
    );
  }
}

function unreadable(path: string, error: unknown): BundleError {
  const reason = error instanceof Error ? error.message : String(error);
  return new BundleError(
    `${path}: can't be read now (${reason.replaceAll(/\s+/g, " ").slice(0, 200)}). Try again.`,
  );
}
