/** `npm run deploy -- models/NAME […] [--dry-run]`: the Worker and the bundles to Cloudflare, with wrangler. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { copyFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { STORAGES } from "../edge/storage/index.ts";
import type { Bundle } from "../trainer/bundle-reader.ts";
import { madePublic } from "../trainer/export/made-public.ts";
import { InputError } from "../trainer/input-error.ts";
import { checkBundles, readStored, type StoredFile, storedFiles, writeAssets } from "./assets.ts";
import { buildPages, buildWorker, WORKER } from "./build-worker.ts";
import { runAsScript } from "./command.ts";
import { sizeReport } from "./size-report.ts";
import { uploadFiles } from "./upload.ts";
import { uploadVectors, usesVectorize } from "./vectors.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
/** The user's own; all else that is written lies beside it. */
const config = resolve("wrangler.toml");
const stage = resolve("dist/deploy"); // where it looks

export const command = new Command("deploy")
  .description(
    "Deploys exported models to Cloudflare Workers. The first one is the default. wrangler.toml says where they lie.",
  )
  .argument("<bundle...>", "bundle folders, models/NAME")
  .option("--dry-run", "build and check everything, send nothing; needs no login")
  .option("--name <name>", "the Worker's name (wrangler.toml says imle-edge)")
  .action(async (directories: string[], { dryRun, name }: { dryRun?: boolean; name?: string }) => {
    const bundles = await checkBundles(directories);
    const files = storedFiles(bundles);
    if (!existsSync(config)) {
      await copyFile(join(root, "wrangler.toml"), config);
      console.log("wrangler.toml: written. It says where models lie, what is limited and what is logged.");
    }
    const { store, bucket, vectors } = await storeOfConfig(bundles.some(usesVectorize));
    await rm(stage, { recursive: true, force: true });
    const embedded =
      store === "embedded"
        ? await Promise.all(files.map(async (file) => ({ path: file.path, bytes: await readStored(file) })))
        : [];
    const build = await buildWorker(WORKER, join(stage, "worker"), embedded);
    const assets = join(stage, "assets");
    await (store === "assets" ? writeAssets(assets, bundles) : buildPages(assets));
    console.log(await sizeReport(build, bundles, files, store));
    for (const { manifest } of bundles) {
      console.log(`Made public of ${manifest.name}: ${madePublic(manifest)}`);
    }
    if (vectors && !dryRun) await fillVectorize(vectors, bundles.filter(usesVectorize));
    if (bucket && !dryRun) await fillBucket(bucket, files);
    const flags = [...(dryRun ? ["--dry-run"] : []), ...(name ? ["--name", name] : [])];
    process.exitCode = await runWrangler(["deploy", "--config", config, ...flags]);
  });

await runAsScript(import.meta, command);

interface Store {
  /** Of STORAGES. */
  readonly store: string;
  readonly bucket: string | null;
  /** The name of Vectorize's index. */
  readonly vectors: string | null;
}

/** @throws InputError for a store that there isn't, or for a binding that is missing */
async function storeOfConfig(needsVectors: boolean): Promise<Store> {
  // Only here, as it takes a second to load.
  const { unstable_readConfig: readConfig } = await import("wrangler");
  const { vars, r2_buckets: buckets, vectorize } = readConfig({ config });
  const store = String(vars["MODEL_STORE"] ?? "assets");
  if (!Object.hasOwn(STORAGES, store)) {
    throw new InputError(
      `wrangler.toml: MODEL_STORE is "${store}"; expected ${Object.keys(STORAGES).join(", ")}`,
    );
  }
  const vectors =
    vectorize.find(({ binding }: { binding: string }) => binding === "VECTORS")?.index_name ?? null;
  if (needsVectors && !vectors) {
    throw new InputError(
      "wrangler.toml: a model is searched by Vectorize; name its index under [[vectorize]]",
    );
  }
  if (store !== "r2") return { store, bucket: null, vectors };
  const bucket = buckets.find(({ binding }: { binding: string }) => binding === "MODELS")?.bucket_name;
  if (bucket) return { store, bucket, vectors };
  throw new InputError(
    'wrangler.toml: MODEL_STORE is "r2"; name its bucket under [[r2_buckets]], binding MODELS',
  );
}

async function fillVectorize(index: string, bundles: readonly Bundle[]): Promise<void> {
  const file = join(stage, "vectors.ndjson");
  for (const bundle of bundles) {
    await uploadVectors(bundle, {
      stateFile: resolve(".cache/deploy", `vectors-${index}.json`),
      onProgress: (done, total) => console.log(`  ${done} of ${total} vectors`),
      async put(lines) {
        await writeFile(file, lines);
        const status = await runWrangler(["vectorize", "upsert", index, "--file", file, "--config", config]);
        if (status !== 0) {
          throw new InputError(`${index}: vectors not stored; run the command again to go on from here`);
        }
      },
    });
  }
  console.log(
    `Index ${index}: all vectors are stored. They become visible in a while; until then /nearest is 503.`,
  );
}

async function fillBucket(bucket: string, files: readonly StoredFile[]): Promise<void> {
  const { stored, skipped } = await uploadFiles(files, {
    stateFile: resolve(".cache/deploy", `${bucket}.json`),
    onProgress: (path, done, total) => console.log(`  ${done + 1} of ${total}  ${path}`),
    async put({ path, source }) {
      const file = "file" in source ? source.file : join(stage, "upload");
      if ("text" in source) await writeFile(file, source.text);
      const status = await runWrangler([
        ...["r2", "object", "put", `${bucket}/${path}`],
        ...["--file", file, "--remote", "--config", config],
      ]);
      if (status !== 0) {
        throw new InputError(`${bucket}/${path}: not stored; run the command again to go on from here`);
      }
    },
  });
  console.log(`Bucket ${bucket}: ${stored} files stored, ${skipped} there already`);
}

async function runWrangler(args: readonly string[]): Promise<number> {
  const wrangler = join(
    dirname(createRequire(import.meta.url).resolve("wrangler/package.json")),
    "bin/wrangler.js",
  );
  const child = spawn(process.execPath, [wrangler, ...args], {
    stdio: "inherit",
    env: { WRANGLER_SEND_METRICS: "false", ...process.env },
  });
  const [status] = await once(child, "exit");
  return (status as number | null) ?? 1;
}
