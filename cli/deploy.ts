/** `npm run deploy -- models/NAME […] [--dry-run]`: the Worker and the bundles to Cloudflare, with wrangler. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import type { Manifest } from "../shared/manifest.ts";
import type { Bundle } from "../trainer/bundle-reader.ts";
import { checkBundles, writeAssets } from "./assets.ts";
import { buildWorker, type WorkerBuild } from "./build-worker.ts";
import { runCommand } from "./command.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Cloudflare's limits, https://developers.cloudflare.com/workers/platform/limits/. */
const SCRIPT_LIMIT_MIB = 64;
const ASSET_LIMIT_MIB = 25;
const ISOLATE_LIMIT_MIB = 128;

const program = new Command("deploy")
  .description("Deploys exported models to Cloudflare Workers. The first one is the default.")
  .argument("<bundle...>", "bundle folders, models/NAME")
  .option("--dry-run", "build and check everything, send nothing; needs no login")
  .option("--name <name>", "the Worker's name (wrangler.toml says imle-edge)")
  .action(async (directories: string[], { dryRun, name }: { dryRun?: boolean; name?: string }) => {
    const bundles = await checkBundles(directories);
    const stage = join(root, "dist/deploy"); // where wrangler.toml looks
    await rm(stage, { recursive: true, force: true });
    const build = await buildWorker("edge/worker.ts", join(stage, "worker"));
    await writeAssets(join(stage, "assets"), bundles);
    console.log(sizeReport(build, bundles));
    const flags = [...(dryRun ? ["--dry-run"] : []), ...(name ? ["--name", name] : [])];
    process.exitCode = await runWrangler(["deploy", "--config", join(root, "wrangler.toml"), ...flags]);
  });

await runCommand(program);

function sizeReport(build: WorkerBuild, bundles: readonly Bundle[]): string {
  const assets = bundles.flatMap(({ manifest }) => manifest.files.map(({ bytes }) => bytes));
  const memory = bundles.reduce((bytes, { manifest }) => bytes + loadedBytes(manifest), 0);
  const lines = [
    [
      "Worker",
      `${mebibytes(build.bytes)}, gzipped ${mebibytes(build.gzipBytes)}`,
      `of ${SCRIPT_LIMIT_MIB} MiB; ${mebibytes(build.startGzipBytes)} of that is loaded at the start`,
    ],
    ["Largest asset", mebibytes(Math.max(...assets)), `of ${ASSET_LIMIT_MIB} MiB`],
    ["Models in memory", mebibytes(memory), `of ${ISOLATE_LIMIT_MIB} MiB an isolate, once all are in use`],
  ].map(([what, size, limit]) => `  ${what!.padEnd(17)} ${size} ${limit}`);
  if (memory > ISOLATE_LIMIT_MIB * 2 ** 20) {
    lines.push("  Too much for one Worker: deploy fewer models, or export without the training examples.");
  }
  return lines.join("\n");
}

/** Weights in the generator's memory, and the training rows in the scan's. */
function loadedBytes({ files }: Manifest): number {
  const loaded = files.filter(({ path }) => /^(weights|train|calibration)\./.test(path));
  return loaded.reduce((sum, { bytes }) => sum + bytes, 0);
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(2)} MiB`;
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
