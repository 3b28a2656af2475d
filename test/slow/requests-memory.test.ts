/** A month in an isolate's life: 1,000,000 requests of every kind, by `npm run test:memory`. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { writeRandomBundle } from "../../bench/edge-bundles.ts";
import { differs, mixedRequests, referenceAnswers, sendMixed } from "../../bench/mixed-load.ts";
import { startServer } from "../../cli/workerd.ts";

const REQUESTS = Number(process.env["MEMORY_REQUESTS"] ?? 0);
const LOOKS = 10;
/** Before that, V8's heap grows to what it needs; nothing here limits it. */
const WARM_UP_LOOKS = 2;
const MOST_PERCENT = 2;

const folder = mkdtempSync(join(tmpdir(), "imle-requests-"));
afterAll(() => rmSync(folder, { recursive: true }));

test.skipIf(REQUESTS === 0)(
  `${REQUESTS || "many"} requests take less than 2 % more memory${REQUESTS ? "" : " (skipped: npm run test:memory)"}`,
  async ({ annotate }) => {
    const bundle = join(folder, "mlp");
    const model = { kind: "mlp", width: 128 } as const;
    await writeRandomBundle(bundle, { name: "mlp", model, seed: 1, dtype: "int8", trainCount: 2_000 });
    const server = await startServer({ bundles: [bundle] });
    const resident = () =>
      Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))![1]) / 1024;
    try {
      const requests = await mixedRequests();
      const answers = await referenceAnswers(server.url, requests);
      const looks: number[] = [];
      const wrong = await sendMixed({
        url: server.url,
        requests,
        count: REQUESTS,
        concurrency: 16,
        seed: 1,
        complaint: (request, answer) => differs(request, answer, answers.get(request)!),
        onAnswer(answered) {
          if (answered % (REQUESTS / LOOKS) === 0) looks.push(resident());
        },
      });
      await annotate(`MiB after every tenth: ${looks.map((mib) => mib.toFixed(1)).join(", ")}`);
      expect(wrong).toEqual([]);
      expect(looks.length).toBe(LOOKS);
      const [before, after] = [looks[WARM_UP_LOOKS - 1]!, looks.at(-1)!];
      expect(100 * (after / before - 1)).toBeLessThan(MOST_PERCENT);
    } finally {
      await server.close();
    }
  },
  6 * 3_600_000,
);
