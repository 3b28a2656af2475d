/** Data sets that are read from files: what each format's reader looks like. */

import type { Reporter } from "../run/reporter.ts";
import type { Dataset } from "./dataset.ts";
import type { Channels } from "./pictures/rows.ts";

export interface FileSource {
  readonly name: string;
  /** What has to be at the path, for the message when nothing fits. */
  readonly expects: string;
  /** Whether what is at `path` looks like this format, by names and magic numbers; reads no bulk data. */
  detect(path: string): Promise<boolean>;
  /**
   * @throws InputError naming the file, if it is truncated, mislabelled, empty or otherwise unusable; the signal's
   *   reason, if it is aborted
   */
  load(path: string, options: LoadOptions): Promise<Dataset>;
}

/** What a reader is told. All but the seed is for pictures; files that hold arrays have nothing to decode. */
export interface LoadOptions {
  /** Shuffles a source that has no split of its own. */
  readonly seed: number;
  /** [height, width] that pictures are cropped and resized to; null: they stay as they are, and must be alike. */
  readonly size: readonly [height: number, width: number] | null;
  readonly channels: Channels;
  /** A picture that can't be decoded is an error; otherwise it is left out, and named. */
  readonly strict: boolean;
  /** Where decoded pictures are kept. */
  readonly cacheFolder: string;
  readonly signal: AbortSignal;
  readonly reporter: Pick<Reporter, "note" | "working">;
}
