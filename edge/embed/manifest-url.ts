import { EmbedError } from "./embed-error.ts";

/** The manifest's address: a model's address is a folder's, say /models/glyphs/. */
export function manifestUrl(model: string, page: string): string {
  let url: URL;
  try {
    url = new URL(model, page);
  } catch {
    throw new EmbedError("bad-parameter", `"${model}": expected a model's address, say /models/glyphs/`);
  }
  if (!url.pathname.endsWith(".json")) url.pathname = `${url.pathname.replace(/\/$/, "")}/manifest.json`;
  return url.href;
}
