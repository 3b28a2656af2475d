/** Code blocks of the documentation, which the tests run. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Snippet {
  /** `docs/train.md:7 npm run train …` */
  readonly name: string;
  readonly page: string;
  /** As after the fence: `sh`, `html`, `js node`, … */
  readonly kind: string;
  readonly text: string;
  /** Why it can't be run, as the comment above it says: `<!-- not run here: … -->`. */
  readonly notRun: string | null;
}

export const root = fileURLToPath(new URL("..", import.meta.url));

/** All pages with snippets that are for readers to run. */
export function pages(): string[] {
  const docs = readdirSync(join(root, "docs")).filter((file) => file.endsWith(".md"));
  return ["README.md", ...docs.sort().map((file) => `docs/${file}`)];
}

/** The blocks of a page that say what they are written in. */
export function snippetsOf(page: string): Snippet[] {
  const text = readFileSync(join(root, page), "utf8");
  const blocks = text.matchAll(/(?:<!-- not run here: (.+?) -->\n)?^```(\w[^\n]*)\n(.*?)^```$/gms);
  return [...blocks].map(([block, notRun = null, kind, code]) => {
    const line = text.slice(0, text.indexOf(block)).split("\n").length;
    const first = code!.split("\n", 1)[0]!.slice(0, 60);
    return { name: `${page}:${line} ${first}`, page, kind: kind!, text: code!, notRun };
  });
}

/** The title of a test of a snippet, which tells why it is skipped, if it is. */
export function titleOf({ name, notRun }: Snippet, reason: string | null = notRun): string {
  return reason === null ? name : `${name} (skipped: ${reason})`;
}
