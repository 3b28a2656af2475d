/**
 * A mixed load on a Worker whose models are replaced, whose storage is killed, answers wrongly, and works again, and that
 * is itself killed and started anew. What must hold: every answer is right, by its bytes, or is one that says to come back.
 */

import { mkdir } from "node:fs/promises";
import { startServer, startWorker } from "../cli/workerd.ts";
import {
  type Answer,
  differs,
  type LoadRequest,
  mixedRequests,
  referenceAnswers,
  sendMixed,
} from "./mixed-load.ts";
import { startModelServer } from "./model-server.ts";

export interface FaultyLoad {
  /** Bundles of 28×28 grey images. `old` and `new` are versions of one model; `other` is a model that is asked for late. */
  readonly bundles: { readonly old: string; readonly new: string; readonly other: string };
  readonly otherName: string;
  readonly requestsPerPhase: number;
  readonly concurrency: number;
  readonly report: (line: string) => void;
}

const SEED = 1;

/** @returns by phase, what was wrong, a line each */
export async function loadWithFaults(load: FaultyLoad): Promise<Record<string, string[]>> {
  const { bundles, otherName, requestsPerPhase, concurrency, report } = load;
  const usual = await mixedRequests();
  const late = usual
    .filter(
      ({ path, status, isFixed }) => /^\/(sample\?|nearest|train)/.test(path) && status === 200 && isFixed,
    )
    .map((request) => ({ ...request, path: `/models/${otherName}${request.path}` }));
  const [before, after] = await Promise.all(
    [bundles.old, bundles.new].map((bundle) => referenceOf([bundle, bundles.other], [...usual, ...late])),
  );

  const storage = await startModelServer([bundles.old, bundles.other]);
  const start = (port = 0) =>
    startWorker("bench/refreshing-edge.ts", (assets) => mkdir(assets), {
      port,
      assetServer: storage.address,
    });
  let server = await start();
  const version = async () =>
    ((await (await fetch(`${server.url}/manifest.json`)).json()) as { version: string }).version;
  const phases: Record<string, string[]> = {};
  const phase = async (
    name: string,
    requests: readonly LoadRequest[],
    complaint: (request: LoadRequest, answer: Answer) => string | null,
    { onAnswer = (_: number) => {}, resends = false } = {},
  ) => {
    report(`load: ${requestsPerPhase} requests, ${name}`);
    const { url } = server;
    const count = requestsPerPhase;
    const sent = { url, requests, count, concurrency, seed: SEED };
    phases[name] = await sendMixed({ ...sent, complaint, onAnswer, resends });
  };
  /** Asked for nothing that isn't in memory, or told to come back. */
  const downComplaint = (request: LoadRequest, answer: Answer) =>
    late.includes(request) ? mustComeBack(answer) : differs(request, answer, after!.get(request)!);

  try {
    await phase("calm", usual, (request, answer) => differs(request, answer, before!.get(request)!));
    const oldVersion = await version();
    let replaced: Promise<void> | null = null;
    await phase(
      "while a new version comes",
      usual,
      (request, answer) => differs(request, answer, before!.get(request)!, after!.get(request)!),
      {
        onAnswer(answered) {
          if (answered >= requestsPerPhase / 4) replaced ??= storage.replace([bundles.new, bundles.other]);
        },
      },
    );
    await replaced;
    while ((await version()) === oldVersion) await new Promise((resolve) => setTimeout(resolve, 50));
    const isRight = (request: LoadRequest, answer: Answer) => differs(request, answer, after!.get(request)!);
    await phase("with the new version", usual, isRight);
    await storage.kill();
    await phase("with the storage killed", [...usual, ...late], downComplaint);
    await storage.repair();
    storage.breakDown();
    await phase("with a storage that answers wrongly", [...usual, ...late], downComplaint);
    await storage.repair();
    await phase("with the storage back", [...usual, ...late], isRight);
    const restart = async () => {
      const { port } = new URL(server.url);
      process.kill(server.pid, "SIGKILL");
      await server.close();
      server = await start(Number(port));
    };
    let restarted: Promise<void> | null = null;
    await phase("while the Worker is killed and starts again", [...usual, ...late], isRight, {
      resends: true,
      onAnswer(answered) {
        if (answered >= requestsPerPhase / 4) restarted ??= restart();
      },
    });
    await restarted;
    return phases;
  } finally {
    await server.close();
    await storage.close();
  }
}

async function referenceOf(
  bundles: readonly string[],
  requests: readonly LoadRequest[],
): Promise<Map<LoadRequest, Answer>> {
  const server = await startServer({ bundles });
  try {
    return await referenceAnswers(server.url, requests);
  } finally {
    await server.close();
  }
}

function mustComeBack({ status, type, retryAfter }: Answer): string | null {
  if (status !== 503) return `status ${status}, expected 503`;
  if (type !== "application/problem+json") return `an error as ${type}`;
  return retryAfter === null ? "no retry-after" : null;
}
