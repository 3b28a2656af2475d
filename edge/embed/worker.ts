/**
 * An engine in a module worker, and its end there. The worker runs the module that the page runs: from another site,
 * where browsers don't start workers, by way of a Blob that imports it. In the npm package that module becomes part of
 * somebody's own, so there the worker's script is text (`worker-script.ts`).
 */

import type { Manifest } from "../../shared/manifest.ts";
import type { OnProgress } from "./bundle-files.ts";
import { EmbedError, type EmbedErrorCode } from "./embed-error.ts";
import { type Drawn, type Engine, loadEngine, type PathRequest, type SampleRequest } from "./engine.ts";
import { WORKER_SCRIPT } from "./worker-script.ts";

/** By its name the module knows that it was started as a worker. */
const WORKER_NAME = "imle-edge-embed";

type Call =
  | { readonly method: "load"; readonly url: string }
  | { readonly method: "sample"; readonly request: SampleRequest }
  | { readonly method: "interpolate"; readonly request: PathRequest };

type ToWorker = { readonly id: number; readonly call: Call } | { readonly abort: number };

type FromWorker =
  | "ready"
  | { readonly id: number; readonly loaded: number; readonly total: number }
  | { readonly id: number; readonly result: Manifest | Drawn }
  | { readonly id: number; readonly error: { code: EmbedErrorCode | null; message: string } };

export interface WorkerEngine extends Engine {
  /** Ends the worker; what is still asked of it is refused. */
  dispose(): void;
}

/** The worker, or null where the page isn't allowed one. */
export async function startWorker(): Promise<Worker | null> {
  let blobUrl: string | null = null;
  let worker: Worker | null = null;
  try {
    if (WORKER_SCRIPT || new URL(import.meta.url).origin !== globalThis.origin) {
      const source = WORKER_SCRIPT ?? `import ${JSON.stringify(import.meta.url)};`;
      blobUrl = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    }
    const started = (worker = new Worker(blobUrl ?? import.meta.url, { type: "module", name: WORKER_NAME }));
    await new Promise((resolve, reject) => {
      started.addEventListener("message", resolve, { once: true });
      started.addEventListener("error", reject, { once: true });
    });
    return started;
  } catch {
    worker?.terminate();
    return null;
  } finally {
    if (blobUrl) URL.revokeObjectURL(blobUrl);
  }
}

/** @throws EmbedError as loadEngine does, or the signal's reason; then the worker is ended */
export async function loadInWorker(
  worker: Worker,
  url: string,
  signal: AbortSignal,
  onProgress: OnProgress,
): Promise<WorkerEngine> {
  interface Waiting {
    settle(result: Manifest | Drawn): void;
    refuse(reason: unknown): void;
  }
  const waiting = new Map<number, Waiting>();
  let calls = 0;
  let isDisposed = false;

  worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => {
    if (data === "ready") return;
    const call = waiting.get(data.id);
    if (!call) return; // it was aborted meanwhile
    if ("loaded" in data) onProgress({ loaded: data.loaded, total: data.total });
    else if ("result" in data) call.settle(data.result);
    else call.refuse(revive(data.error));
  });

  const post = (message: ToWorker) => worker.postMessage(message);
  const ask = async <Result extends Manifest | Drawn>(call: Call, signal: AbortSignal): Promise<Result> => {
    if (isDisposed) throw disposed();
    signal.throwIfAborted();
    const id = calls++;
    const onAbort = () => {
      post({ abort: id });
      waiting.get(id)!.refuse(signal.reason);
    };
    try {
      return await new Promise<Result>((resolve, reject) => {
        waiting.set(id, { settle: (result) => resolve(result as Result), refuse: reject });
        signal.addEventListener("abort", onAbort, { once: true });
        post({ id, call });
      });
    } finally {
      waiting.delete(id);
      signal.removeEventListener("abort", onAbort);
    }
  };
  const dispose = () => {
    isDisposed = true;
    worker.terminate();
    for (const { refuse } of waiting.values()) refuse(disposed());
  };

  try {
    const manifest = await ask<Manifest>({ method: "load", url }, signal);
    return {
      manifest,
      sample: (request, signal) => ask<Drawn>({ method: "sample", request }, signal),
      interpolate: (request, signal) => ask<Drawn>({ method: "interpolate", request }, signal),
      dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

export function disposed(): EmbedError {
  return new EmbedError("disposed", "this generator was disposed of; load it again");
}

/** What the worker itself runs; nothing anywhere else. */
export function serveAsWorker(): void {
  if (typeof document !== "undefined" || Reflect.get(globalThis, "name") !== WORKER_NAME) return;
  // The types here are a page's.
  const port = globalThis as unknown as Worker;
  const aborts = new Map<number, AbortController>();
  let engine: Engine;

  const answer = async (id: number, call: Call, signal: AbortSignal): Promise<Manifest | Drawn> => {
    if (call.method !== "load") {
      return call.method === "sample"
        ? engine.sample(call.request, signal)
        : engine.interpolate(call.request, signal);
    }
    engine = await loadEngine(call.url, signal, (progress) => port.postMessage({ id, ...progress }));
    return engine.manifest;
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

function revive({ code, message }: { code: EmbedErrorCode | null; message: string }): Error {
  return code ? new EmbedError(code, message) : new Error(message);
}
