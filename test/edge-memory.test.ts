/** What the Worker takes of an isolate's 128 MB: the most that workerd has ever had resident, over an empty Worker's. */

import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, startWorker } from "../cli/workerd.ts";
import { GREY, writeSmallBundle } from "./small-bundle.ts";

const LIMIT_BYTES = 128e6;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imle-edge-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Linux only; null elsewhere. */
async function peakBytes(pid: number): Promise<number | null> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => null);
  return status === null ? null : Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) * 1024;
}

async function emptyWorkerBytes(): Promise<number | null> {
  const empty = await startWorker("bench/peers/hono-hello.ts", (assets) => mkdir(assets), {});
  await (await fetch(empty.url)).text();
  const bytes = await peakBytes(empty.pid);
  await empty.close();
  return bytes;
}

test("50,000 images of 784 bytes are loaded and searched within the limit", async ({ skip }) => {
  const empty = await emptyWorkerBytes();
  if (empty === null) return skip("needs Linux's /proc");
  const bundle = join(folder, "large");
  await writeSmallBundle(bundle, {
    name: "large",
    output: GREY,
    rowCount: 50_000,
    heldOutCount: 100,
    withoutSiblings: true,
  });
  const server = await startServer({ bundles: [bundle] });
  const statuses = await Promise.all(
    Array.from({ length: 8 }, async (_, seed) => {
      const { status } = await fetch(`${server.url}/nearest`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ seed }),
      });
      return status;
    }),
  );
  const peak = (await peakBytes(server.pid))!;
  await server.close();
  expect(statuses).toEqual(statuses.map(() => 200));
  expect(peak - empty).toBeLessThan(LIMIT_BYTES);
});
