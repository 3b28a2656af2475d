/** Bundles the Worker, the playground's script and the embed with esbuild. */

import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Metafile, type Plugin } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

export interface WorkerBuild {
  readonly directory: string;
  /** All ES modules, the main one first. */
  readonly scripts: readonly string[];
  /** The WebAssembly modules that those import by name. */
  readonly wasm: readonly string[];
  /** Files of bundles that they import by name. */
  readonly data: readonly string[];
  readonly bytes: number;
  /** Scripts, WebAssembly and data, each gzipped: what a deployed Worker's size limit counts. */
  readonly gzipBytes: number;
  /** The part of it that is loaded at the start; the rest (TF.js, the JPEG decoder) only when needed. */
  readonly startGzipBytes: number;
}

/**
 * Builds the Worker into a folder: ES modules, and beside them the WebAssembly modules that they import. What is
 * imported dynamically becomes a module of its own. The same files run in local workerd and are deployed.
 *
 * @param entry    relative to the project
 * @param embedded what edge/embedded-models.ts holds
 */
export async function buildWorker(
  entry: string,
  directory: string,
  embedded: readonly EmbeddedFile[] = [],
): Promise<WorkerBuild> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const main = "worker.js";
  const wasmPaths = new Set<string>();
  const { metafile } = await build({
    entryPoints: { worker: join(root, entry) },
    outdir: directory,
    bundle: true,
    splitting: true,
    minify: true,
    metafile: true,
    absWorkingDir: directory,
    format: "esm",
    target: "es2024",
    platform: "browser",
    conditions: ["workerd", "worker", "browser"],
    // workerd has a `process`, by which Emscripten's scripts take it for Node.
    define: { process: "undefined" },
    logLevel: "error",
    plugins: [wasmModules(wasmPaths), embeddedModels(embedded)],
  });
  const data = embedded.map((_, i) => dataModule(i));
  await Promise.all(embedded.map(({ bytes }, i) => writeFile(join(directory, data[i]!), bytes)));
  for (const path of wasmPaths) await copyFile(path, join(directory, basename(path)));
  const scripts = [main, ...Object.keys(metafile.outputs).filter((file) => file !== main)];
  const wasm = [...wasmPaths].map((path) => basename(path));
  const sizes = new Map(
    await Promise.all(
      [...scripts, ...wasm, ...data].map(async (file) => {
        const content = await readFile(join(directory, file));
        return [file, { bytes: content.byteLength, gzipBytes: gzipSync(content).byteLength }] as const;
      }),
    ),
  );
  const gzipBytes = (files: Iterable<string>) =>
    [...files].reduce((sum, file) => sum + sizes.get(file)!.gzipBytes, 0);
  return {
    directory,
    scripts,
    wasm,
    data,
    bytes: [...sizes.values()].reduce((sum, { bytes }) => sum + bytes, 0),
    gzipBytes: gzipBytes(sizes.keys()),
    startGzipBytes: gzipBytes(loadedAtStart(metafile, main)),
  };
}

/** A file that is built into the script. */
export interface EmbeddedFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

const dataModule = (index: number) => `embedded-${index}.bin`;

/** Fills edge/embedded-models.ts: every file is a data module, which Workers import as an ArrayBuffer. */
function embeddedModels(files: readonly EmbeddedFile[]): Plugin {
  return {
    name: "embedded-models",
    setup({ onLoad, onResolve }) {
      onResolve({ filter: /^\.\/embedded-\d+\.bin$/ }, ({ path }) => ({ path, external: true }));
      onLoad({ filter: /embedded-models\.ts$/ }, () => ({
        contents: [
          ...files.map((_, i) => `import file${i} from "./${dataModule(i)}";`),
          `export const EMBEDDED_MODELS = {${files.map(({ path }, i) => `${JSON.stringify(path)}: file${i}`)}};`,
        ].join("\n"),
      }));
    },
  };
}

/** The main module and all that it imports statically. */
function loadedAtStart({ outputs }: Metafile, main: string): Set<string> {
  const files = new Set([main]);
  // A set's iteration reaches what is added meanwhile.
  for (const file of files) {
    for (const { path, kind } of outputs[file]?.imports ?? []) {
      if (kind === "import-statement") files.add(basename(path));
    }
  }
  return files;
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

/** Builds the embed, one ES module with our kernel in it: embed.js. */
export async function buildEmbed(directory: string): Promise<void> {
  await build({
    entryPoints: [join(root, "edge/embed/embed.ts")],
    outdir: directory,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    loader: { ".wasm": "binary" },
    logLevel: "error",
  });
}
