/**
 * Builds lib/, what the npm package holds: every module compiled by itself, in the folders that the sources have, so
 * that they find each other and the kernels; the embed as one module; and the Worker and its pages as they are served.
 */

import { execFileSync } from "node:child_process";
import { copyFile, cp, glob, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build, type Plugin } from "esbuild";
import { buildForPackage } from "../cli/build-worker.ts";
import { licencesOf } from "./licences.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const lib = join(root, "lib");

/** They draw charts and come as more than fifty packages, so what is used of them is bundled. */
const BUNDLED = ["vega", "vega-lite"];

await rm(lib, { recursive: true, force: true });
compile("library/tsconfig.build.json");
await cp(join(root, "kernels/build"), join(lib, "kernels/build"), { recursive: true });
await copyFile(join(root, "wrangler.toml"), join(lib, "wrangler.toml"));
await cp(join(root, "cli/starter"), join(lib, "cli/starter"), { recursive: true });
const sources = [
  ...(await bundleEmbed()),
  ...(await bundleInto(BUNDLED)),
  ...(await buildForPackage(join(lib, "built"))),
];
await writeFile(join(lib, "LICENCES.txt"), licencesOf(sources));

function compile(project: string): void {
  const typescript = dirname(createRequire(import.meta.url).resolve("typescript/package.json"));
  const tsc = join(typescript, "bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", join(root, project)], { stdio: "inherit" });
}

/**
 * The embed as a module of somebody else's: nothing to resolve but itself, and its worker's script in it as text. What
 * draws on the page's own thread is a module that is loaded only where workers are refused.
 */
async function bundleEmbed(): Promise<readonly string[]> {
  const folder = join(lib, "edge/embed");
  for await (const file of glob(join(folder, "**/*.js"))) await rm(file);
  const web = { target: "es2022", loader: { ".wasm": "binary" } } as const;
  const entry = join(root, "edge/embed/worker-entry.ts");
  const worker = await bundle({ ...web, entryPoints: [entry], write: false });
  const page = await bundle({
    ...web,
    entryPoints: [join(root, "edge/embed/page.ts")],
    outdir: folder,
    splitting: true,
    plugins: [workerScript(worker.text)],
  });
  return [...worker.files, ...page.files];
}

/** Puts packages into the modules that import them. */
async function bundleInto(packages: readonly string[]): Promise<readonly string[]> {
  const files: string[] = [];
  for await (const file of glob(join(lib, "**/*.js"))) {
    const text = await readFile(file, "utf8");
    if (!packages.some((name) => text.includes(`import("${name}")`) || text.includes(`from "${name}"`)))
      continue;
    const inlined = await bundle({
      entryPoints: [file],
      outfile: file,
      allowOverwrite: true,
      platform: "node",
      target: "node20",
      plugins: [exceptNeighbours(file)],
    });
    files.push(...inlined.files);
  }
  return files;
}

/** @returns the first output's text, where it isn't written, and all files that went in */
async function bundle(options: BuildOptions): Promise<{ text: string; files: readonly string[] }> {
  const common = { bundle: true, minify: true, metafile: true, format: "esm", logLevel: "error" } as const;
  const { outputFiles, metafile } = await build({ ...common, ...options });
  return {
    text: outputFiles?.[0]?.text ?? "",
    files: Object.keys(metafile!.inputs).map((file) => resolve(file)),
  };
}

/** Leaves our own modules that a module imports where they are. */
function exceptNeighbours(module: string): Plugin {
  return {
    name: "except-neighbours",
    setup({ onResolve }) {
      onResolve({ filter: /^\.\.?\// }, ({ path, importer }) =>
        importer === module ? { path, external: true } : undefined,
      );
    },
  };
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
