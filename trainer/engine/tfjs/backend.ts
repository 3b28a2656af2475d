/** TF.js's backends, of which a process has one at a time. */

import * as tf from "@tensorflow/tfjs-core";
import type { Engine } from "../engine.ts";
import type { Lowerings } from "./lowerings.ts";

export interface TfjsBackend {
  /** As it is registered with TF.js; it is ready, so that switching to it takes no waiting. */
  readonly name: string;
  /** What it runs on, in a few words. */
  readonly description: string;
  readonly device: Engine["device"];
  readonly lowerings: Lowerings;
  /** Runs what the device may find wrong only while it computes; left out where everything throws at once. */
  readonly watched?: <Result>(work: () => Result) => Watched<Result>;
}

export interface Watched<Result> {
  readonly result: Result;
  /** What went wrong; null: nothing. It never rejects. */
  readonly failure: Promise<Error | null>;
}

/**
 * Runs `work` on a backend. Whatever other code in this process had set (another engine, the edge's generator)
 * is set again afterwards; so `work` must not wait for anything.
 */
export function onBackend<Result>({ name }: TfjsBackend, work: () => Result): Result {
  const before: string | undefined = tf.getBackend();
  if (before === name) return work();
  void tf.setBackend(name);
  try {
    return work();
  } finally {
    // The first to come stays: nobody is disturbed, and no time goes into switching.
    if (before) void tf.setBackend(before);
  }
}
