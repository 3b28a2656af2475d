/** What every route group is given, and how it finds the model that a request means. */

import type { Context } from "hono";
import type { ResponseCache } from "./caching.ts";
import type { DecodeJpeg } from "./jpeg-image.ts";
import type { KeepAlive } from "./kept-copy.ts";
import type { Model } from "./model.ts";
import type { ModelStore } from "./model-store.ts";
import { Problem } from "./problem.ts";

export interface Services {
  readonly store: ModelStore;
  readonly decodeJpeg: DecodeJpeg;
  /** Where in a larger app the routes begin, say /imle; empty for all of it. */
  readonly basePath: string;
  /** Keeps immutable answers; null: nothing does. */
  readonly responseCache: ResponseCache | null;
}

export interface EdgeEnv {
  Bindings: {
    /** Keeps work alive after the request that began it; left out where the host never cuts work short. */
    readonly waitUntil?: (promise: Promise<unknown>) => void;
    /** Where the request comes from, for rate limits. */
    readonly clientAddress?: string | undefined;
  };
  /** What is learned of a request on its way; most of it for the log. */
  Variables: {
    /** name@version of the model that it means. */
    model?: string;
    /** The name of its API key. */
    client?: string;
    /** Whether the response cache had the answer. */
    cache?: "hit" | "miss";
    /** Milliseconds spent waiting for a model's files. */
    loadMs?: number;
    /** What the request has taken; see `returnModels`. */
    models: Model[];
  };
}

export interface RequestedModel {
  readonly model: Model;
  /** Where the model's routes begin: the services' base path for the default model, else /models/NAME below it. */
  readonly base: string;
}

/**
 * The model of a request's path, checked against the version that it may name.
 *
 * @throws Problem unknown-model, version-gone
 */
export async function requestedModel(
  c: Context<EdgeEnv>,
  { store, basePath }: Pick<Services, "store" | "basePath">,
): Promise<RequestedModel> {
  const name = c.req.param("name") as string | undefined;
  const model = await shared(
    c,
    name === undefined ? defaultModel(c, store) : store.model(name, keepAlive(c)),
  );
  c.set("model", model.id);
  model.take();
  c.get("models").push(model);
  const version = c.req.query("v");
  if (version !== undefined && version !== model.manifest.version) {
    throw new Problem(
      "version-gone",
      `v=${version.slice(0, 40)}: model "${model.manifest.name}" is now at version ${model.manifest.version}`,
    );
  }
  return { model, base: basePath + (name === undefined ? "" : `/models/${name}`) };
}

export async function defaultModel(c: Context<EdgeEnv>, store: ModelStore): Promise<Model> {
  const [name] = await store.names(keepAlive(c));
  return store.model(name!, keepAlive(c));
}

/** Gives the models that a request has taken back once it is answered. */
export async function returnModels(c: Context<EdgeEnv>, next: () => Promise<void>): Promise<void> {
  const models: Model[] = [];
  c.set("models", models);
  try {
    const answered = next();
    // So that a client that hangs up doesn't keep what it took.
    keepAlive(c)(answered.catch(() => {}));
    await answered;
  } finally {
    for (const model of models) model.release();
  }
}

export function keepAlive(c: Context<EdgeEnv>): KeepAlive {
  return (work) => c.env?.waitUntil?.(work);
}

/**
 * Awaits a load that other requests may be waiting for too.
 *
 * In Workers a promise belongs to the request that made it. Without waitUntil a client that hangs up would take the
 * load down with its request, and leave the others waiting for ever. And who waits for another request's promise may
 * go on as a part of that request, where no answer can be made for one's own: so one only looks whether it has settled,
 * from time to time.
 *
 * @throws Problem model-unavailable if it takes too long: it may belong to a request that is gone
 */
export async function shared<T>(c: Context<EdgeEnv>, load: Promise<T>): Promise<T> {
  let hasSettled = false;
  const settled = load.then(
    () => {
      hasSettled = true;
    },
    () => {
      hasSettled = true;
    },
  );
  const start = performance.now();
  // What is loaded already has settled by then.
  for (let turns = 0; !hasSettled && turns < TURNS; turns++) await null;
  if (!hasSettled) keepAlive(c)(settled);
  while (!hasSettled) {
    if (performance.now() - start > LONGEST_LOAD_MS) {
      throw new Problem("model-unavailable", "the model takes too long to load", { "retry-after": "5" });
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  c.set("loadMs", (c.get("loadMs") ?? 0) + performance.now() - start);
  return load;
}

/** Microtasks that it takes a promise of a promise to settle, and some more. */
const TURNS = 10;
const LOOK_MS = 1;
const LONGEST_LOAD_MS = 30_000;
