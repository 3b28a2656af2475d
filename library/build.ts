/**
 * Builds lib/, what the npm package holds: every module compiled by itself, in the folders that the sources have, so
 * that they find each other and the kernels; the embed as one module; and the Worker and its pages as they are served.
 */

import { execFileSync } from "node:child_process";
import { copyFile, cp, readdir, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { buildForPackage } from "../cli/build-worker.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const lib = join(root, "lib");

await rm(lib, { recursive: true, force: true });
compile("library/tsconfig.build.json");
await cp(join(root, "kernels/build"), join(lib, "kernels/build"), { recursive: true });
await copyFile(join(root, "wrangler.toml"), join(lib, "wrangler.toml"));
await cp(join(root, "cli/starter"), join(lib, "cli/starter"), { recursive: true });
await bundleEmbed();
await buildForPackage(join(lib, "built"));

function compile(project: string): void {
  const typescript = dirname(createRequire(import.meta.url).resolve("typescript/package.json"));
  const tsc = join(typescript, "bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", join(root, project)], { stdio: "inherit" });
}

/**
 * The embed as a module of somebody else's: nothing to resolve but itself, and its worker's script in it as text. What
 * draws on the page's own thread is a module that is loaded only where workers are refused.
 */
async function bundleEmbed(): Promise<void> {
  const folder = join(lib, "edge/embed");
  for (const file of await readdir(folder)) if (file.endsWith(".js")) await rm(join(folder, file));
  const common = {
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    loader: { ".wasm": "binary" },
    logLevel: "error",
  } as const;
  const { outputFiles } = await build({
    ...common,
    entryPoints: [join(root, "edge/embed/worker-entry.ts")],
    write: false,
  });
  await build({
    ...common,
    entryPoints: [join(root, "edge/embed/page.ts")],
    outdir: folder,
    splitting: true,
    plugins: [workerScript(outputFiles[0]!.text)],
  });
}

/** Fills edge/embed/worker-script.ts. */
function workerScript(text: string): Plugin {
  return {
    name: "worker-script",
    setup({ onLoad }) {
      onLoad({ filter: /worker-script\.ts$/ }, () => ({
        contents: `export const WORKER_SCRIPT = ${JSON.stringify(text)};`,
      }));
    },
  };
}
