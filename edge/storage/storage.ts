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

/** A part of a file. All pages of a file begin at multiples of the same length. */
export interface Page {
  readonly offset: number;
  readonly length: number;
}

/** Where a page lies if every page is a file of its own. */
export const pagePath = (path: string, { offset }: Page) => `${path}/${offset}`;

export interface ModelStorage {
  /**
   * A file.
   *
   * @param knownTag the entity tag of a copy that is there already
   * @returns status 200; 404 where there is no such file; 304 if it is still the known copy. Whatever else it answers
   *          or throws is a failure that may pass.
   */
  open(path: string, knownTag?: string | null): Promise<Response>;
  /** One of the pages that a file is read by; answers as above. */
  openPage(path: string, page: Page): Promise<Response>;
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
  const response = await checked(path, () => storage.open(path, knownTag));
  if (response.status === 304 && knownTag === null) throw unreadable(path, new Error("status 304"));
  return response;
}

/** @throws BundleError naming the file, if the page is missing, can't be read now or has another length */
export async function readPage(
  storage: ModelStorage,
  path: string,
  page: Page,
): Promise<Uint8Array<ArrayBuffer>> {
  const where = `${path} at ${page.offset}`;
  const bytes = await wholeBody(await checked(path, () => storage.openPage(path, page)), where);
  if (bytes.byteLength === page.length) return bytes;
  throw new BundleError(
    `${where}: ${bytes.byteLength} bytes, the manifest says ${page.length}. Export the model again.`,
  );
}

async function checked(path: string, open: () => Promise<Response>): Promise<Response> {
  let response: Response;
  try {
    response = await open();
  } catch (error) {
    throw unreadable(path, error);
  }
  if (response.ok || response.status === 304) return response;
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
  return { response, bytes: await wholeBody(response, path) };
}

async function wholeBody(response: Response, path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** What a body is read by: as long as it takes to be worth a turn, and short beside an isolate's memory. */
const CHUNK_BYTES = 64 * 1024;

/** Those that nothing is being read by. */
const buffers: ArrayBuffer[] = [];

/**
 * Copies a body into its place by way of one short buffer, so that it is never in memory twice.
 *
 * @throws BundleError if it breaks off, or has not as many bytes as `target`
 */
export async function streamInto(target: Uint8Array, response: Response, path: string): Promise<void> {
  // Chunks of the stream's own making would wait to be collected, all of them at once if need be.
  const reader = response.body!.getReader({ mode: "byob" });
  const read = (chunk: Uint8Array<ArrayBuffer>) =>
    reader.read(chunk).catch((error: unknown) => {
      throw unreadable(path, error);
    });
  let buffer = buffers.pop() ?? new ArrayBuffer(CHUNK_BYTES);
  let offset = 0;
  while (offset < target.byteLength) {
    const { value, done } = await read(new Uint8Array(buffer));
    if (done || !value) break;
    buffer = value.buffer;
    if (offset + value.byteLength > target.byteLength) throw await tooLong();
    target.set(value, offset);
    offset += value.byteLength;
  }
  if (offset < target.byteLength) {
    throw new BundleError(
      `${path}: ${offset} bytes, the manifest says ${target.byteLength}. Export the model again.`,
    );
  }
  buffers.push(buffer);
  // By a buffer that may be lost: not every host gives it back at the end.
  if (!(await read(new Uint8Array(1))).done) throw await tooLong();

  async function tooLong(): Promise<BundleError> {
    await reader.cancel();
    return new BundleError(`${path}: longer than ${target.byteLength} bytes. Export the model again.`);
  }
}

function unreadable(path: string, error: unknown): BundleError {
  const reason = error instanceof Error ? error.message : String(error);
  return new BundleError(
    `${path}: can't be read now (${reason.replaceAll(/\s+/g, " ").slice(0, 200)}). Try again.`,
  );
}
