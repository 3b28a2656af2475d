/** What the worker runs, where it isn't this module again: `library/build.ts` puts the text of `worker-entry.ts` here. */
export const WORKER_SCRIPT: string | null = null;
