import { GET_HEADERS } from "./common-headers.ts";

/** The answer to a GET, which tells its length before it is sent, so that HEAD and the log can tell it too. */
export function sized(
  body: Uint8Array<ArrayBuffer> | string,
  mediaType: string,
  headers: Readonly<Record<string, string>>,
): Response {
  const bytes = typeof body === "string" ? (new TextEncoder().encode(body) as Uint8Array<ArrayBuffer>) : body;
  return new Response(bytes, {
    headers: {
      ...GET_HEADERS,
      "content-type": mediaType,
      "content-length": String(bytes.byteLength),
      ...headers,
    },
  });
}
