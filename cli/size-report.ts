/** What a deployment takes, beside what the platform allows. */

import { generatorBytes } from "../edge/model.ts";
import { trainingBytes } from "../edge/training-examples.ts";
import type { Bundle } from "../trainer/bundle-reader.ts";
import { type StoredFile, storedSizes } from "./assets.ts";
import type { WorkerBuild } from "./build-worker.ts";

/** https://developers.cloudflare.com/workers/platform/limits/, as of November 2026. */
const LIMITS = {
  scriptMiB: 64,
  freeScriptGzipMiB: 3,
  paidScriptGzipMiB: 10,
  assetMiB: 25,
  freeAssets: 20_000,
  isolateMiB: 128,
};

/** Files are listed one by one, pages of a file together. */
export async function sizeReport(
  { bytes, gzipBytes, startGzipBytes }: WorkerBuild,
  bundles: readonly Bundle[],
  files: readonly StoredFile[],
  store: string,
): Promise<string> {
  const sizes = await storedSizes(files);
  const pageCount = (file: StoredFile) => (store === "assets" && file.pages ? file.pages.length : 1);
  const largest = Math.max(
    ...files.map((file, i) =>
      store === "assets" && file.pages ? Math.max(...file.pages.map(({ length }) => length)) : sizes[i]!,
    ),
  );
  const assetCount = files.reduce((sum, file) => sum + pageCount(file), 0);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const memory = bundles.reduce(
    (sum, { manifest }) => sum + generatorBytes(manifest) + trainingBytes(manifest),
    0,
  );
  const lines = files.map(
    (file, i) =>
      `  ${mebibytes(sizes[i]!).padStart(12)}  ${file.path}${pageCount(file) > 1 ? ` (${pageCount(file)} pages)` : ""}`,
  );
  const totals = [
    [
      "Worker",
      `${mebibytes(bytes)}, gzipped ${mebibytes(gzipBytes)}`,
      `of ${LIMITS.scriptMiB} MiB, gzipped ${LIMITS.freeScriptGzipMiB} (free plan) or ${LIMITS.paidScriptGzipMiB} MiB; ` +
        `${mebibytes(startGzipBytes)} of that is loaded at the start`,
    ],
    ["Models", mebibytes(total), `in ${assetCount.toLocaleString("en")} files, ${WHERE[store] ?? store}`],
    ["Largest file", mebibytes(largest), `of ${LIMITS.assetMiB} MiB`],
    ["Models in memory", mebibytes(memory), `of ${LIMITS.isolateMiB} MiB an isolate, once all are in use`],
  ].map(([what, size, limit]) => `  ${what!.padEnd(17)} ${size} ${limit}`);
  const warnings = [
    [
      memory > LIMITS.isolateMiB * 2 ** 20,
      "More than one isolate holds: models that are in use least are dropped in turn.",
    ],
    [
      store === "assets" && assetCount > LIMITS.freeAssets,
      "More files than the free plan serves: use R2 (wrangler.toml).",
    ],
    [gzipBytes > LIMITS.freeScriptGzipMiB * 2 ** 20, "A larger script than the free plan takes."],
  ].flatMap(([holds, text]) => (holds ? [`  ${text}`] : []));
  return [...lines, "", ...totals, ...warnings].join("\n");
}

const WHERE: Readonly<Record<string, string>> = {
  assets: "as static assets",
  r2: "in the bucket",
  embedded: "in the script",
};

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(2)} MiB`;
}
