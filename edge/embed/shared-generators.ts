/** Elements that show one model share its generator; it is freed when the last of them leaves. */

import type { OnProgress } from "./bundle-files.ts";
import type { EngineChoice } from "./engine-choice.ts";
import { type LoadedGenerator, loadGenerator } from "./load-generator.ts";

interface Shared {
  readonly generator: Promise<LoadedGenerator>;
  readonly listeners: Set<OnProgress>;
  readonly lifetime: AbortController;
}

const inUse = new Map<string, Shared>();

export interface Loan {
  readonly generator: Promise<LoadedGenerator>;
  giveBack(): void;
}

/** @param url, engine as loadGenerator takes them */
export function borrowGenerator(url: string, engine: EngineChoice | undefined, onProgress: OnProgress): Loan {
  const key = `${engine} ${url}`;
  const shared = inUse.get(key) ?? begin(key, url, engine);
  shared.listeners.add(onProgress);
  return {
    generator: shared.generator,
    giveBack() {
      shared.listeners.delete(onProgress);
      if (shared.listeners.size > 0) return;
      if (inUse.get(key) === shared) inUse.delete(key);
      shared.lifetime.abort();
      shared.generator.then(
        (generator) => generator.dispose(),
        () => {},
      );
    },
  };
}

function begin(key: string, url: string, engine: EngineChoice | undefined): Shared {
  const lifetime = new AbortController();
  const listeners = new Set<OnProgress>();
  const onProgress: OnProgress = (progress) => {
    for (const listener of listeners) listener(progress);
  };
  const generator = loadGenerator(url, { engine, signal: lifetime.signal, onProgress });
  const shared = { generator, listeners, lifetime };
  inUse.set(key, shared);
  // What failed is tried anew by who comes next.
  generator.catch(() => inUse.get(key) === shared && inUse.delete(key));
  return shared;
}
