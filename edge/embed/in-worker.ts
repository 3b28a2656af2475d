/** The worker's own end of `worker.ts`. */

import type { OnProgress } from "./bundle-files.ts";
import { EmbedError, type EmbedErrorCode } from "./embed-error.ts";
import { type Drawn, type Engine, loadEngine } from "./engine.ts";
import { type Call, type FromWorker, type Loaded, type ToWorker, WORKER_NAME } from "./worker.ts";

/** What the worker itself runs; nothing anywhere else. */
export function serveAsWorker(): void {
  if (typeof document !== "undefined" || Reflect.get(globalThis, "name") !== WORKER_NAME) return;
  // The types here are a page's.
  const port = globalThis as unknown as Worker;
  const aborts = new Map<number, AbortController>();
  let engine: Engine;

  const answer = async (id: number, call: Call, signal: AbortSignal): Promise<Loaded | Drawn> => {
    if (call.method !== "load") {
      return call.method === "sample"
        ? engine.sample(call.request, signal)
        : engine.interpolate(call.request, signal);
    }
    const onProgress: OnProgress = (progress) => port.postMessage({ id, ...progress });
    engine = await loadEngine(call.url, call.engine, signal, onProgress);
    return { manifest: engine.manifest, drawnOn: engine.drawnOn };
  };

  port.addEventListener("message", async ({ data }: MessageEvent<ToWorker>) => {
    if ("abort" in data) {
      aborts.get(data.abort)?.abort();
      return;
    }
    const { id, call } = data;
    const controller = new AbortController();
    aborts.set(id, controller);
    try {
      const result = await answer(id, call, controller.signal);
      port.postMessage({ id, result }, "values" in result ? [result.values.buffer] : []);
    } catch (error) {
      port.postMessage({ id, error: describe(error) });
    } finally {
      aborts.delete(id);
    }
  });
  port.postMessage("ready" satisfies FromWorker);
}

/** Errors keep neither class nor fields on their way between threads. */
function describe(error: unknown): { code: EmbedErrorCode | null; message: string } {
  return {
    code: error instanceof EmbedError ? error.code : null,
    message: error instanceof Error ? error.message : String(error),
  };
}
