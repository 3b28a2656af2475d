import { createRequire } from "node:module";

const packageJson = createRequire(import.meta.url)("imle-edge/package.json") as { readonly version: string };

/** The project's version, as `package.json` has it. */
export const version: string = packageJson.version;
