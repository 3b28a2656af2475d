/** Bundles the Worker and the playground's script with esbuild. */

import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Plugin } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

export interface WorkerBuild {
  readonly directory: string;
  /** The main module; the rest are the WebAssembly modules that it imports by name. */
  readonly script: string;
  readonly wasm: readonly string[];
  readonly bytes: number;
  /** Script and WebAssembly, each gzipped: what a deployed Worker's size limit counts. */
  readonly gzipBytes: number;
}

/**
 * Builds the Worker into a folder: one ES module, and beside it the WebAssembly modules that it imports.
 * The same files run in local workerd and are deployed.
 *
 * @param entry relative to the project
 */
export async function buildWorker(entry: string, directory: string): Promise<WorkerBuild> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const script = "worker.js";
  const wasmPaths = new Set<string>();
  await build({
    entryPoints: [join(root, entry)],
    outfile: join(directory, script),
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2024",
    platform: "browser",
    conditions: ["workerd", "worker", "browser"],
    // workerd has a `process`, by which Emscripten's scripts take it for Node.
    define: { process: "undefined" },
    logLevel: "error",
    plugins: [wasmModules(wasmPaths)],
  });
  for (const path of wasmPaths) await copyFile(path, join(directory, basename(path)));
  const wasm = [...wasmPaths].map((path) => basename(path));
  const contents = await Promise.all([script, ...wasm].map((file) => readFile(join(directory, file))));
  const sum = (sizes: number[]) => sizes.reduce((total, size) => total + size, 0);
  return {
    directory,
    script,
    wasm,
    bytes: sum(contents.map((content) => content.byteLength)),
    gzipBytes: sum(contents.map((content) => gzipSync(content).byteLength)),
  };
}

/** Leaves imports of `.wasm` in place, as Workers import them as modules of their own. */
function wasmModules(found: Set<string>): Plugin {
  return {
    name: "wasm-modules",
    setup({ onResolve }) {
      onResolve({ filter: /\.wasm$/ }, ({ path, resolveDir }) => {
        const file = path.startsWith(".")
          ? join(resolveDir, path)
          : createRequire(join(resolveDir, "x.js")).resolve(path);
        found.add(file);
        return { path: `./${basename(file)}`, external: true };
      });
    },
  };
}

/** Builds the playground's files into a folder. */
export async function buildPlayground(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const source = join(root, "edge/playground");
  await build({
    entryPoints: [join(source, "playground.ts"), join(source, "playground.css")],
    outdir: directory,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    logLevel: "error",
  });
  await writeFile(join(directory, "index.html"), await readFile(join(source, "index.html")));
}
