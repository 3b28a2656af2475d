/**
 * The Worker in wrangler's local platform, as `wrangler dev` has it: Cloudflare's own simulation of static assets, the
 * Cache API and the rate limiting binding around the real workerd.
 */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unstable_startWorker as startWranglerWorker } from "wrangler";
import { checkBundles, writeAssets } from "../cli/assets.ts";
import { buildWorker } from "../cli/build-worker.ts";

export interface WranglerEdge {
  /** Without a slash at its end. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * @param variables  the Worker's, API_KEYS among them
 * @param limit      requests that the rate limit lets pass in a minute
 */
export async function startWranglerEdge(
  bundles: readonly string[],
  variables: Readonly<Record<string, string>>,
  limit: number,
): Promise<WranglerEdge> {
  process.env.CLOUDFLARE_CF_FETCH_ENABLED = "false"; // it would ask the internet where it is
  process.env.WRANGLER_SEND_METRICS = "false";
  const folder = await mkdtemp(join(tmpdir(), "imle-edge-wrangler-"));
  await buildWorker("edge/worker.ts", join(folder, "worker"));
  await writeAssets(join(folder, "assets"), await checkBundles(bundles));
  const config = join(folder, "wrangler.json");
  await writeFile(
    config,
    JSON.stringify({
      name: "imle-edge-test",
      main: "worker/worker.js",
      compatibility_date: "2026-10-01",
      no_bundle: true,
      rules: [{ type: "ESModule", globs: ["**/*.js"], fallthrough: true }],
      vars: variables,
      ratelimits: [{ name: "RATE_LIMITER", namespace_id: "1", simple: { limit, period: 60 } }],
      assets: { directory: "assets", binding: "ASSETS", run_worker_first: true, html_handling: "none" },
    }),
  );
  const worker = await startWranglerWorker({
    config,
    dev: { server: { hostname: "127.0.0.1", port: 0 }, inspector: false, watch: false, logLevel: "none" },
  });
  const { origin } = await worker.url;
  return {
    url: origin,
    async close() {
      await worker.dispose();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
