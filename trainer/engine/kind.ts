/** What `--engine` can name: an engine that may or may not work on this machine. */

import type { Engine } from "./engine.ts";

export interface EngineKind {
  /** As `--engine` spells it. */
  readonly name: string;
  /** What it is, in a few words. */
  readonly about: string;
  /**
   * Whether it works here. Never throws, and can't take this process with it: what loads a driver does so in
   * a process of its own (`probe-process.ts`). `auto` calls it at every start, so it takes well under a second.
   */
  probe(): Promise<Availability>;
  /** @throws InputError if it can't be started after all */
  create(): Promise<Engine>;
}

/** Why `auto` takes another one; undefined: it doesn't. */
export function obstacleFor(found: Availability): string | undefined {
  return found.works ? found.notForAuto : found.reason;
}

export type Availability =
  | {
      readonly works: true;
      /** Why `auto` passes it by although it works, in a few words: a GPU in software, say. */
      readonly notForAuto?: string;
    }
  | {
      readonly works: false;
      /** In a few words: "no adapter". */
      readonly reason: string;
      /** The one command or step that would add it, without a full stop: "npm install …". */
      readonly remedy: string;
    };
