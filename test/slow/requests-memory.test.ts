/** A month in an isolate's life: 1,000,000 requests of every kind, by `npm run test:memory`. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { writeRandomBundle } from "../../bench/edge-bundles.ts";
import { freeAddress, isolateMemory } from "../../bench/isolate-memory.ts";
import { differs, mixedRequests, referenceAnswers, sendMixed } from "../../bench/mixed-load.ts";
import { startServer } from "../../cli/workerd.ts";

const REQUESTS = Number(process.env["MEMORY_REQUESTS"] ?? 0);
const LOOKS = 10;
/** In the first half code is compiled, and allocators fill their pools: until 400,000 requests, as it turned out. */
const WARM_UP_LOOKS = LOOKS / 2;
const MOST_PERCENT = 2;

const folder = mkdtempSync(join(tmpdir(), "imle-requests-"));
afterAll(() => rmSync(folder, { recursive: true }));

test.skipIf(REQUESTS === 0)(
  `${REQUESTS || "many"} requests take less than 2 % more memory in their second half${REQUESTS ? "" : " (skipped: npm run test:memory)"}`,
  async ({ annotate }) => {
    const bundle = join(folder, "mlp");
    const model = { kind: "mlp", width: 128 } as const;
    await writeRandomBundle(bundle, { name: "mlp", model, seed: 1, dtype: "int8", trainCount: 2_000 });
    const inspector = await freeAddress();
    const server = await startServer({ bundles: [bundle], inspector });
    const isolate = await isolateMemory(inspector);
    const look = async () => {
      await isolate.collectGarbage(async () => (await fetch(`${server.url}/healthz`)).arrayBuffer());
      const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))![1];
      return { heap: (await isolate.heapBytes()) / 2 ** 20, resident: Number(resident) / 1024 };
    };
    try {
      const requests = await mixedRequests();
      const answers = await referenceAnswers(server.url, requests);
      const looks: Awaited<ReturnType<typeof look>>[] = [];
      // Between two parts nothing is asked, so that nothing is under way where memory is looked at.
      for (let part = 0; part < LOOKS; part++) {
        const wrong = await sendMixed({
          url: server.url,
          requests,
          count: REQUESTS / LOOKS,
          concurrency: 16,
          seed: part,
          complaint: (request, answer) => differs(request, answer, answers.get(request)!),
        });
        expect(wrong).toEqual([]);
        looks.push(await look());
      }
      for (const kind of ["heap", "resident"] as const) {
        const values = looks.map((each) => each[kind].toFixed(1));
        await annotate(`${kind}, MiB after every tenth: ${values.join(", ")}`);
      }
      const [before, after] = [looks[WARM_UP_LOOKS - 1]!.resident, looks.at(-1)!.resident];
      expect(100 * (after / before - 1)).toBeLessThan(MOST_PERCENT);
    } finally {
      isolate.close();
      await server.close();
    }
  },
  6 * 3_600_000,
);
