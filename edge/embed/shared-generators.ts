/** Elements that show one model share its generator; it is freed when the last of them leaves. */

import type { OnProgress } from "./bundle-files.ts";
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

/** @param url as loadGenerator takes it */
export function borrowGenerator(url: string, onProgress: OnProgress): Loan {
  const shared = inUse.get(url) ?? begin(url);
  shared.listeners.add(onProgress);
  return {
    generator: shared.generator,
    giveBack() {
      shared.listeners.delete(onProgress);
      if (shared.listeners.size > 0) return;
      if (inUse.get(url) === shared) inUse.delete(url);
      shared.lifetime.abort();
      shared.generator.then(
        (generator) => generator.dispose(),
        () => {},
      );
    },
  };
}

function begin(url: string): Shared {
  const lifetime = new AbortController();
  const listeners = new Set<OnProgress>();
  const onProgress: OnProgress = (progress) => {
    for (const listener of listeners) listener(progress);
  };
  const generator = loadGenerator(url, { signal: lifetime.signal, onProgress });
  const shared = { generator, listeners, lifetime };
  inUse.set(url, shared);
  // What failed is tried anew by who comes next.
  generator.catch(() => inUse.get(url) === shared && inUse.delete(url));
  return shared;
}
