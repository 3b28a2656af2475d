/** Bundles within the script, by path; cli/build-worker.ts puts them here where MODEL_STORE is "embedded". */
export const EMBEDDED_MODELS: Readonly<Record<string, ArrayBuffer>> = {};
