/** Runs the Worker in local workerd, without a development proxy before it. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { InputError } from "../trainer/input-error.ts";
import { checkBundles, writeAssets } from "./assets.ts";
import { buildWorker, type EmbeddedFile, WORKER, type WorkerBuild } from "./build-worker.ts";

/** The binary that the npm package brings; the package has no types. */
const { default: workerdPath } = createRequire(import.meta.url)("workerd") as { readonly default: string };
const root = fileURLToPath(new URL("..", import.meta.url));

export interface WorkerOptions {
  readonly host?: string;
  /** 0, the default: any that is free. */
  readonly port?: number;
  /** What wrangler.toml calls [vars]. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Built into the script; see edge/storage/embedded.ts. */
  readonly embedded?: readonly EmbeddedFile[];
  /** host:port of a server that has the static assets instead of the folder. */
  readonly assetServer?: string;
  /** host:port at which workerd's inspector is to listen; none if left out. */
  readonly inspector?: string;
}

export interface ServeOptions extends WorkerOptions {
  /** Bundle folders; the first one's model is the default. */
  readonly bundles: readonly string[];
}

export interface LocalServer {
  /** Without a slash at its end. */
  readonly url: string;
  /** workerd's process. */
  readonly pid: number;
  readonly build: WorkerBuild;
  /** Settles when workerd has ended, asked to or not. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

/**
 * Checks the bundles, builds the Worker and serves until `close`.
 *
 * workerd ends with this process, however that ends.
 *
 * @throws InputError for a bundle that can't be trusted, or an address that can't be had
 */
export async function startServer(options: ServeOptions): Promise<LocalServer> {
  const bundles = await checkBundles(options.bundles);
  return startWorker(WORKER, (assets) => writeAssets(assets, bundles), options);
}

/**
 * Builds a Worker and serves it, with a folder of static assets.
 *
 * @param entry     the Worker's main file, relative to the project
 * @param fillAssets writes the assets; the folder isn't there yet
 */
export async function startWorker(
  entry: string,
  fillAssets: (directory: string) => Promise<unknown>,
  { host = "127.0.0.1", port = 0, variables = {}, embedded = [], assetServer, inspector }: WorkerOptions,
): Promise<LocalServer> {
  // On the disk that models are on, as a rule, so that they need not be copied.
  await mkdir(".cache", { recursive: true });
  const stage = await mkdtemp(resolve(".cache/serve-"));
  try {
    const build = await buildWorker(entry, join(stage, "worker"), embedded);
    await fillAssets(join(stage, "assets"));
    const assets = assetServer
      ? `external = (address = ${JSON.stringify(assetServer)}, http = ())`
      : `disk = (path = ${JSON.stringify(join(stage, "assets"))})`;
    const config = await workerdConfig(build, assets, variables);
    await writeFile(join(stage, "config.capnp"), config);
    return { ...(await runWorkerd(stage, host, port, inspector)), build };
  } catch (error) {
    await rm(stage, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Ends workerd and removes its folder as soon as standard input ends: when the parent closes it, or is gone,
 * killed or not. A signal to the whole process group, say Ctrl-C, ends `cat` and so comes to the same. Requests that are
 * under way have some seconds to end: a client that never ends its own would keep workerd for ever.
 */
const SUPERVISOR = `
trap : INT TERM HUP
stage=$1; shift
"$@" </dev/null &
child=$!
echo "{\\"event\\":\\"started\\",\\"pid\\":$child}" >&3
exec 3>&-
cat >/dev/null
kill $child 2>/dev/null
(sleep 3; kill -9 $child) </dev/null >/dev/null 2>&1 &
late=$!
wait $child
kill $late 2>/dev/null
rm -rf "$stage"
`;

async function runWorkerd(
  stage: string,
  host: string,
  port: number,
  inspector: string | undefined,
): Promise<Omit<LocalServer, "build">> {
  const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const workerd = [workerdPath, "serve", join(stage, "config.capnp"), "--control-fd=3"];
  if (inspector) workerd.push(`--inspector-addr=${inspector}`);
  const supervisor = spawn(
    "sh",
    ["-c", SUPERVISOR, "workerd-supervisor", stage, ...workerd, `--socket-addr=http=${address}`],
    { stdio: ["pipe", "inherit", "pipe", "pipe"] },
  );
  const exited = once(supervisor, "exit");
  const errors = readErrors(supervisor);
  const close = async () => {
    supervisor.stdin!.end();
    await exited;
  };

  const control = createInterface({ input: supervisor.stdio[3] as Readable });
  const ended = once(control, "close").then(() => {});
  let pid = 0;
  let listening = 0;
  for await (const line of control) {
    const event = JSON.parse(line) as { event: string; pid?: number; port?: number };
    if (event.event === "started") pid = event.pid!;
    if (event.event === "listen") {
      listening = event.port!;
      break;
    }
  }
  if (listening === 0) {
    await close();
    const reason = errors.early.join(" ");
    if (/already in use/i.test(reason)) {
      throw new InputError(`${address}: the port is in use; choose another with --port`);
    }
    throw new InputError(`${address}: can't listen there: ${reason.slice(0, 300)}`);
  }
  errors.passOn();
  const url = `http://${address.replace(/:\d+$/, "")}:${listening}`;
  try {
    await requireHealth(url);
  } catch (error) {
    await close();
    throw error;
  }
  return { url, pid, ended, close };
}

/** Collects workerd's messages, which say why it does not start, until they are to be passed on. */
function readErrors(supervisor: ChildProcess): { readonly early: string[]; passOn(): void } {
  const early: string[] = [];
  let write = (line: string): void => void early.push(line);
  createInterface({ input: supervisor.stderr! }).on("line", (line) => write(line));
  return {
    early,
    passOn() {
      write = (line) => void process.stderr.write(`${line}\n`);
      early.forEach(write);
    },
  };
}

async function requireHealth(url: string): Promise<void> {
  const response = await fetch(`${url}/healthz`);
  if (response.ok) return;
  throw new Error(`the server does not work: ${await response.text()}`);
}

async function workerdConfig(
  { scripts, wasm, data }: WorkerBuild,
  assets: string,
  variables: Readonly<Record<string, string>>,
): Promise<string> {
  const modules = [
    ...scripts.map((file) => `(name = "${file}", esModule = embed "worker/${file}")`),
    ...wasm.map((file) => `(name = "${file}", wasm = embed "worker/${file}")`),
    ...data.map((file) => `(name = "${file}", data = embed "worker/${file}")`),
  ];
  const bindings = [
    '(name = "ASSETS", service = "assets")',
    ...Object.entries(variables).map(([name, text]) => `(name = "${name}", text = ${JSON.stringify(text)})`),
  ];
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "edge", worker = (
      modules = [${modules.join(", ")}],
      compatibilityDate = "${await compatibilityDate()}",
      bindings = [${bindings.join(", ")}],
    )),
    (name = "assets", ${assets}),
  ],
  sockets = [(name = "http", service = "edge", http = ())],
);
`;
}

async function compatibilityDate(): Promise<string> {
  const wrangler = await readFile(join(root, "wrangler.toml"), "utf8");
  return /^compatibility_date = "(.+)"$/m.exec(wrangler)![1]!;
}
