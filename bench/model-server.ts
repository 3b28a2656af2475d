/** An HTTP server of bundles whose content can be replaced, and that can be killed or broken. */

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { checkBundles, readStored, storedFiles } from "../cli/assets.ts";

export interface ModelServer {
  /** host:port */
  readonly address: string;
  /** Has these bundles from now on, beside the files of those that it had. */
  replace(bundles: readonly string[]): Promise<void>;
  /** Cuts every connection and takes no new one. */
  kill(): Promise<void>;
  /** Answers in turn with status 500, with half a file, and with a file whose bytes are wrong. */
  breakDown(): void;
  /** Works again, at the same address. */
  repair(): Promise<void>;
  close(): Promise<void>;
}

export async function startModelServer(bundles: readonly string[]): Promise<ModelServer> {
  const files = new Map<string, { bytes: Uint8Array; tag: string }>();
  const replace = async (directories: readonly string[]) => {
    for (const file of storedFiles(await checkBundles(directories))) {
      files.set(`/${file.path}`, { bytes: await readStored(file), tag: `"${files.size}-${Date.now()}"` });
    }
  };
  let isBroken = false;
  let asked = 0;
  const answer = ({ url, headers }: IncomingMessage, response: ServerResponse) => {
    const file = files.get(url!);
    if (!file) return response.writeHead(404).end();
    const wrong = isBroken ? asked++ % 3 : null;
    if (wrong === 0) return response.writeHead(500).end();
    if (headers["if-none-match"] === file.tag) return response.writeHead(304).end();
    response.writeHead(200, { etag: file.tag, "content-length": file.bytes.length });
    if (wrong === 1) {
      const half = file.bytes.subarray(0, file.bytes.length / 2);
      return response.write(half, () => response.destroy());
    }
    response.end(wrong === 2 ? file.bytes.map((byte) => byte ^ 1) : file.bytes);
  };

  await replace(bundles);
  let server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const kill = async () => {
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  return {
    address: `127.0.0.1:${port}`,
    replace,
    kill,
    breakDown() {
      isBroken = true;
    },
    async repair() {
      isBroken = false;
      if (server.listening) return;
      server = createServer(answer).listen(port, "127.0.0.1");
      await once(server, "listening");
    },
    close: kill,
  };
}
