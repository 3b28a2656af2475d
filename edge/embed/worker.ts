/**
 * An engine in a module worker, as the page sees it. The worker runs the module that the page runs: from another site,
 * where browsers don't start workers, by way of a Blob that imports it. In the npm package that module becomes part of
 * somebody's own, so there the worker's script is text (`worker-script.ts`).
 */

import type { Manifest } from "../../shared/manifest.ts";
import type { OnProgress } from "./bundle-files.ts";
import { EmbedError, type EmbedErrorCode } from "./embed-error.ts";
import type { Drawn, Engine, PathRequest, SampleRequest } from "./engine.ts";
import type { DrawingEngine, EngineChoice } from "./engine-choice.ts";
import { WORKER_SCRIPT } from "./worker-script.ts";

/** By its name the module knows that it was started as a worker. */
export const WORKER_NAME = "imle-edge-embed";

export type Call =
  | { readonly method: "load"; readonly url: string; readonly engine: EngineChoice }
  | { readonly method: "sample"; readonly request: SampleRequest }
  | { readonly method: "interpolate"; readonly request: PathRequest };

export type ToWorker = { readonly id: number; readonly call: Call } | { readonly abort: number };

export type FromWorker =
  | "ready"
  | { readonly id: number; readonly loaded: number; readonly total: number }
  | { readonly id: number; readonly result: Loaded | Drawn }
  | { readonly id: number; readonly error: { code: EmbedErrorCode | null; message: string } };

export interface Loaded {
  readonly manifest: Manifest;
  readonly drawnOn: DrawingEngine;
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
  choice: EngineChoice,
  signal: AbortSignal,
  onProgress: OnProgress,
): Promise<Engine> {
  interface Waiting {
    settle(result: Loaded | Drawn): void;
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
  const ask = async <Result extends Loaded | Drawn>(call: Call, signal: AbortSignal): Promise<Result> => {
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
    const loaded = await ask<Loaded>({ method: "load", url, engine: choice }, signal);
    let { drawnOn } = loaded;
    const draw = async (call: Call, signal: AbortSignal) => {
      const drawn = await ask<Drawn>(call, signal);
      ({ drawnOn } = drawn);
      return drawn;
    };
    return {
      manifest: loaded.manifest,
      get drawnOn() {
        return drawnOn;
      },
      sample: (request, signal) => draw({ method: "sample", request }, signal),
      interpolate: (request, signal) => draw({ method: "interpolate", request }, signal),
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

function revive({ code, message }: { code: EmbedErrorCode | null; message: string }): Error {
  return code ? new EmbedError(code, message) : new Error(message);
}
