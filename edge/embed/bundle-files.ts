/** A bundle's files over HTTP: fetched once, checked against the manifest, kept in Cache Storage. */

import { BundleError, type Manifest, parseManifest, verifyFile } from "../../shared/manifest.ts";
import type { ReadFile } from "../generator.ts";
import { EmbedError } from "./embed-error.ts";

/** Bytes of the weights so far, and in all. */
export type OnProgress = (progress: { readonly loaded: number; readonly total: number }) => void;

const CACHE_NAME = "imle-edge";

/** @throws EmbedError if it can't be reached, or is no manifest */
export async function fetchManifest(url: string, signal: AbortSignal): Promise<Manifest> {
  const response = await get(url, signal);
  if (response.status === 404) {
    throw new EmbedError("missing-model", `${url}: there is no model here; check the address`);
  }
  if (!response.ok) throw refused(url, response);
  const text = await response.text();
  try {
    return await parseManifest(text, url);
  } catch (error) {
    throw error instanceof BundleError ? new EmbedError("not-a-model", error.message) : error;
  }
}

/**
 * Reads what lies beside the manifest. Copies are kept under the model's version; older versions' are dropped.
 *
 * @throws EmbedError if a file can't be reached, or isn't the manifest's
 */
export function bundleFiles(
  manifestAddress: string,
  manifest: Manifest,
  signal: AbortSignal,
  onProgress: OnProgress,
): ReadFile {
  const total = weightBytes(manifest);
  let earlier = 0;
  return async (path) => {
    const url = new URL(path, manifestAddress);
    url.searchParams.set("v", manifest.version);
    const keptBytes = await kept(url.href);
    const isKept = keptBytes !== null && (await isListed(manifest, path, keptBytes));
    const bytes = isKept
      ? keptBytes
      : await download(url.href, signal, (loaded) => onProgress({ loaded: earlier + loaded, total }));
    if (!isKept) {
      await check(manifest, path, bytes);
      await keep(url.href, bytes);
    }
    earlier += bytes.byteLength;
    onProgress({ loaded: earlier, total });
    return bytes;
  };
}

/** What the kernel reads: files of its own, or model.json and those that it names. */
function weightBytes({ files, generator }: Manifest): number {
  const own = generator.weights?.files;
  return files
    .filter(({ path }) => (own ? own.includes(path) : /^(model\.json|weights\.\d+\.bin)$/.test(path)))
    .reduce((sum, { bytes }) => sum + bytes, 0);
}

async function download(
  url: string,
  signal: AbortSignal,
  onLoaded: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const response = await get(url, signal);
  if (!response.ok) throw refused(url, response);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let loaded = 0;
  for (const reader = response.body!.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    loaded += value.byteLength;
    onLoaded(loaded);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

async function check(manifest: Manifest, path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  try {
    await verifyFile(manifest, path, bytes);
  } catch (error) {
    throw error instanceof BundleError ? new EmbedError("altered", error.message) : error;
  }
}

function isListed(manifest: Manifest, path: string, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  return verifyFile(manifest, path, bytes).then(
    () => true,
    () => false,
  );
}

async function get(url: string, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, { signal });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof TypeError)) throw error;
    // Browsers don't tell scripts which of these it was.
    const isElsewhere = new URL(url).origin !== globalThis.origin;
    throw new EmbedError(
      "unreachable",
      `${url}: can't be reached. The network or the server is down, the address is wrong` +
        (isElsewhere ? ", or the server doesn't let pages of other sites read it (CORS)" : ""),
    );
  }
}

function refused(url: string, { status, statusText }: Response): EmbedError {
  return new EmbedError("unreachable", `${url}: the server answered ${status} ${statusText}`.trimEnd());
}

/** Null: not there, or the page has no cache, as pages opened from disk have none. */
async function kept(url: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    const response = await (await caches.open(CACHE_NAME)).match(url);
    return response ? new Uint8Array(await response.arrayBuffer()) : null;
  } catch {
    return null;
  }
}

async function keep(url: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  try {
    const cache = await caches.open(CACHE_NAME);
    await cache.delete(url, { ignoreSearch: true });
    await cache.put(url, new Response(bytes));
  } catch {
    // No cache, or it is full: the file is fetched again next time.
  }
}
