/** `npm run serve` and `npm run deploy` as processes. */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkBundles, storedFiles } from "../cli/assets.ts";
import { uploadFiles } from "../cli/upload.ts";
import { startServer } from "../cli/workerd.ts";
import { GREY, writeSmallBundle } from "./small-bundle.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
let folder: string;
let bundle: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imle-edge-"));
  bundle = join(folder, "grey");
  await writeSmallBundle(bundle, { name: "grey", output: GREY });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Starts `serve` and waits for the address that it prints. */
async function startCommand(
  environment: Record<string, string> = {},
): Promise<{ child: ChildProcess; url: string; output: string }> {
  const env = { ...process.env, ...environment };
  const child = spawn(process.execPath, ["cli/serve.ts", bundle, "--port", "0"], { cwd: root, env });
  let output = "";
  for await (const chunk of child.stdout!) {
    output += chunk;
    if (output.includes("Ctrl-C")) break;
  }
  return { child, output, url: /http:\S+/.exec(output)![0] };
}

async function run(
  script: string,
  ...args: string[]
): Promise<{ status: number; stdout: string; stderr: string }> {
  try {
    return { status: 0, ...(await promisify(execFile)(process.execPath, [script, ...args], { cwd: root })) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { status: code, stdout, stderr };
  }
}

const answers = (url: string) =>
  fetch(`${url}/healthz`).then(
    ({ ok }) => ok,
    () => false,
  );

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

const stages = async () => (await readdir(join(root, ".cache"))).filter((name) => name.startsWith("serve-"));

describe("serve", () => {
  test("prints its address and two curl lines, serves, and ends cleanly on Ctrl-C", async () => {
    const { child, url, output } = await startCommand();
    expect(output.match(/^ {2}curl .*$/gm)).toHaveLength(2);
    expect((await fetch(`${url}/sample?n=4&seed=1`)).status).toBe(200);
    child.kill("SIGINT");
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(await answers(url)).toBe(false);
  });

  test("killed outright, it leaves no workerd and no files behind", async () => {
    const before = await stages();
    const { child, url } = await startCommand();
    const [stage] = (await stages()).filter((name) => !before.includes(name));
    child.kill("SIGKILL");
    await until(async () => !(await answers(url)));
    await until(async () => !(await stages()).includes(stage!));
  });

  test("takes API keys and the log's level from the environment", async () => {
    const { child, url } = await startCommand({ API_KEYS: "me=0123456789abcdef", LOG_LEVEL: "warn" });
    expect((await fetch(`${url}/sample`)).status).toBe(401);
    const [line] = await once(child.stderr!, "data");
    expect(JSON.parse(String(line))).toMatchObject({ level: "warn", route: "/sample", status: 401 });
    child.kill("SIGINT");
    await once(child, "exit");
  });

  test("says that a port is in use, in one line", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const { status, stderr } = await run("cli/serve.ts", bundle, "--port", String(port));
    other.close();
    expect(status).toBe(2);
    expect(stderr).toBe(`serve: 127.0.0.1:${port}: the port is in use; choose another with --port\n`);
  });

  test.each([
    [["--bogus"], /unknown option '--bogus'/],
    [[], /missing required argument/],
    [["nowhere", "--port", "70000"], /70000.*0 to 65535/],
    [["nowhere"], /nowhere\/manifest\.json: missing; is this an exported bundle\?/],
  ])("refuses %j with one line and status 2", async (args, message) => {
    const { status, stderr, stdout } = await run("cli/serve.ts", ...args);
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stdout).toBe("");
  });

  test.each([
    "manifest.json",
    "model.json",
    "weights.0.bin",
    "model.onnx",
    "train.0.bin",
    "calibration.bin",
    "README.md",
  ])("refuses a bundle whose %s has one flipped bit, before anything is served", async (file) => {
    const damaged = join(folder, "damaged");
    await cp(bundle, damaged, { recursive: true });
    const bytes = await readFile(join(damaged, file));
    bytes[Math.floor(bytes.length / 2)]! ^= 4;
    await writeFile(join(damaged, file), bytes);
    await expect(startServer({ bundles: [damaged] })).rejects.toThrow(file);
    await rm(damaged, { recursive: true });
  });

  test("refuses two models of one name", async () => {
    await expect(startServer({ bundles: [bundle, bundle] })).rejects.toThrow('named "grey"');
  });

  test("tells when workerd ends by itself, and not before", async () => {
    const server = await startServer({ bundles: [bundle] });
    let hasEnded = false;
    const ended = server.ended.then(() => {
      hasEnded = true;
    });
    expect(await answers(server.url)).toBe(true);
    expect(hasEnded).toBe(false);
    process.kill(server.pid, "SIGKILL");
    await ended;
    await server.close();
  });

  test("ends although a client never ends its request", async () => {
    const server = await startServer({ bundles: [bundle] });
    const client = connect(Number(new URL(server.url).port), "127.0.0.1");
    client.on("error", () => {}); // it is cut off
    client.write(
      "POST /nearest HTTP/1.1\r\nhost: edge\r\ncontent-type: image/png\r\ncontent-length: 9\r\n\r\n",
    );
    expect(await answers(server.url)).toBe(true);
    await server.close();
    expect(await answers(server.url)).toBe(false);
    client.destroy();
  }, 20_000);

  test("keeps serving what it checked while the bundle is exported anew", async () => {
    const replaced = join(folder, "replaced");
    const { version } = await writeSmallBundle(replaced, { name: "replaced", output: GREY });
    const server = await startServer({ bundles: [replaced] });
    await writeSmallBundle(replaced, { name: "replaced", output: GREY, seed: 5 });
    const response = await fetch(`${server.url}/sample?seed=1&v=${version}`);
    expect(response.status).toBe(200);
    await server.close();
  });
});

describe("filling a bucket", () => {
  const stateFile = () => join(folder, "state", "bucket.json");
  const names = (files: readonly { path: string }[]) => files.map(({ path }) => path);

  test("goes on where an earlier run stopped, and makes the version the served one at the end", async () => {
    const files = storedFiles(await checkBundles([bundle]));
    const stored: string[] = [];
    const progress: number[] = [];
    let isDown = true;
    const upload = () =>
      uploadFiles(files, {
        stateFile: stateFile(),
        onProgress: (_, done) => void progress.push(done),
        async put({ path }) {
          if (isDown && stored.length === 4) throw new Error("connection lost");
          stored.push(path);
        },
      });
    await expect(upload()).rejects.toThrow("connection lost");
    isDown = false;
    expect(await upload()).toEqual({ stored: files.length - 4, skipped: 4 });
    expect(stored).toEqual(names(files));
    expect(stored.slice(-2)).toEqual(["grey/manifest.json", "models.json"]);
    expect(progress).toEqual([0, 1, 2, 3, 4, ...Array.from({ length: files.length - 4 }, (_, i) => i + 4)]);
    // All of the version is there; what names it is stored every time.
    expect(await upload()).toEqual({ stored: 2, skipped: files.length - 2 });
  });
});

describe("deploy --dry-run", () => {
  test("builds what would be sent, without login, and tells its size", async () => {
    const { status, stdout } = await run("cli/deploy.ts", bundle, "--dry-run");
    expect(stdout).toMatch(
      /Worker +[\d.]+ MiB, gzipped [\d.]+ MiB of 64 MiB, gzipped 3 \(free plan\) or 10 MiB/,
    );
    expect(stdout).toMatch(/[\d.]+ MiB {2}grey\/[0-9a-f]{16}\/train\.0\.bin/);
    expect(stdout).toMatch(/Largest file +[\d.]+ MiB of 25 MiB/);
    expect(stdout).toMatch(/Models in memory +[\d.]+ MiB of 128 MiB/);
    const built = await readdir(join(root, "dist/deploy/worker"));
    for (const file of built.filter((file) => file !== "worker.js")) expect(stdout).toContain(`│ ${file} `);
    expect(built.filter((file) => /^generator-tfjs.*\.js$|\.wasm$/.test(file))).toHaveLength(8);
    expect(stdout).toContain("--dry-run: exiting now");
    expect(status).toBe(0);
  });

  test("refuses a bundle that can't be trusted", async () => {
    const { status, stderr } = await run("cli/deploy.ts", join(folder, "nope"), "--dry-run");
    expect(status).toBe(2);
    expect(stderr).toMatch(/^deploy: .*missing; is this an exported bundle\? `npm run train` makes one.*\n$/);
  });
});
