/** The server's answers about one model, and its refusals in words for people. */

import type { Manifest } from "../../shared/manifest.ts";

/** What /nearest takes as JSON. */
export type Example =
  | { readonly seed: number; readonly index: number; readonly temperature: number; readonly label?: string }
  | { readonly pixels: readonly number[] }
  | { readonly vector: readonly number[] };

/** What /nearest answers. */
export interface Check {
  readonly verdict: "copy" | "close" | "novel";
  readonly pValue: number;
  readonly distance: number;
  readonly ratio: number;
  readonly authentic: boolean;
  readonly neighbours: readonly Neighbour[];
  readonly calibration: Calibration;
  readonly note: string;
}

export interface Neighbour {
  readonly index: number;
  readonly distance: number;
  readonly label: string | null;
  readonly image: string | null;
  readonly vector?: readonly number[];
}

export interface Calibration {
  readonly heldOut: number;
  readonly alpha: number;
  readonly statistic: "neighbourhood-ratio" | "aligned-ratio";
  readonly neighbourhood: number;
  readonly method: "held-out" | "leave-one-out";
}

export interface ServedModel {
  readonly name: string;
  readonly url: string;
}

export interface Service {
  readonly manifest: Manifest;
  /** Where the model's routes are, absolute, without a slash at its end. */
  readonly url: string;
  /** An address of the model's, pinned to its version so that the browser may keep the answer. */
  address(path: string): string;
  /** @throws ServiceError, or the signal's reason */
  get(path: string, signal?: AbortSignal): Promise<Response>;
  check(example: Example, signal: AbortSignal): Promise<Check>;
  /** The held-out examples' statistics, ascending. */
  heldOut(): Promise<Float32Array>;
}

export const NEIGHBOURS = 5;

export const OFFLINE = "You are offline. What this browser draws goes on; comparisons need the server.";

export class ServiceError extends Error {
  readonly code: string;

  /** @param code of the problem, or `unreachable` */
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * @param base empty for the default model, or /models/NAME
 * @throws ServiceError
 */
export async function connect(base: string): Promise<Service> {
  const manifest: Manifest = await (await ask(`${base}/manifest.json`)).json();
  const address = (path: string) => `${base}/${path}${path.includes("?") ? "&" : "?"}v=${manifest.version}`;
  let heldOut: Promise<Float32Array> | null = null;
  return {
    manifest,
    url: location.origin + base,
    address,
    get: (path, signal) => ask(address(path), signal ? { signal } : {}),
    check: async (example, signal) => {
      const response = await ask(address(`nearest?k=${NEIGHBOURS}`), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(example),
        signal,
      });
      return response.json();
    },
    heldOut() {
      heldOut ??= ask(address(manifest.calibration!.file)).then(async (response) => {
        return new Float32Array(await response.arrayBuffer());
      });
      // What failed is tried anew the next time.
      heldOut.catch(() => (heldOut = null));
      return heldOut;
    },
  };
}

export async function servedModels(): Promise<readonly ServedModel[]> {
  return (await (await ask("/models")).json()).models;
}

async function ask(url: string, options: RequestInit = {}): Promise<Response> {
  const response = await fetch(url, options).catch((error: unknown) => {
    options.signal?.throwIfAborted();
    if (!(error instanceof TypeError)) throw error;
    throw new ServiceError("unreachable", navigator.onLine ? "The server can't be reached." : OFFLINE);
  });
  if (response.ok) return response;
  const { code = "", detail } = await response.json().catch(() => ({}));
  throw new ServiceError(code, explain(code, response, detail));
}

function explain(code: string, response: Response, detail: string | undefined): string {
  switch (code) {
    case "version-gone":
      return "The model has been replaced. Reload the page.";
    case "unauthorized":
      return "This server's models need an API key, which this page doesn't have. Send one as /docs says.";
    case "too-many-requests":
      return `Too many requests. Try again in ${response.headers.get("retry-after") ?? "60"} seconds.`;
    default:
      return detail ?? `The server answered ${response.status}.`;
  }
}
