/** Data sets that are read from files: what each format's reader looks like. */

import type { Dataset } from "./dataset.ts";

export interface FileSource {
  readonly name: string;
  /** What has to be at the path, for the message when nothing fits. */
  readonly expects: string;
  /** Whether what is at `path` looks like this format, by names and magic numbers; reads no bulk data. */
  detect(path: string): Promise<boolean>;
  /**
   * @param seed shuffles a source that has no split of its own
   * @throws InputError naming the file, if it is truncated, mislabelled, empty or otherwise unusable
   */
  load(path: string, seed: number): Promise<Dataset>;
}
