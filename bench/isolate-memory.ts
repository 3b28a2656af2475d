/** What an isolate holds by V8's own accounts, which the platform's limit is about: read by workerd's inspector. */

import { once } from "node:events";
import { createServer } from "node:net";

export interface IsolateMemory {
  /**
   * Bytes of the heap, of what the runtime keeps for its objects, and of their buffers: garbage that was not collected
   * yet is among them, WebAssembly's memory isn't.
   */
  heapBytes(): Promise<number>;
  /**
   * Collects all garbage, as the isolate does itself where memory is short.
   *
   * @param request makes a request of the Worker: it does so while it answers one, if not the first
   */
  collectGarbage(request: () => Promise<unknown>): Promise<void>;
  close(): void;
}

interface HeapUsage {
  readonly totalSize: number;
  readonly embedderHeapUsedSize: number;
  readonly backingStorageSize: number;
}

/** @param address host:port that workerd's inspector listens at */
export async function isolateMemory(address: string): Promise<IsolateMemory> {
  const [target] = (await (await fetch(`http://${address}/json/list`)).json()) as {
    webSocketDebuggerUrl: string;
  }[];
  const socket = new WebSocket(target!.webSocketDebuggerUrl);
  await once(socket, "open");
  const waiting = new Map<number, (result: unknown) => void>();
  socket.addEventListener("message", ({ data }: MessageEvent<string>) => {
    const { id, result } = JSON.parse(data) as { id?: number; result: unknown };
    if (id !== undefined) waiting.get(id)?.(result);
  });
  let asked = 0;
  const ask = (method: string): Promise<unknown> =>
    new Promise((resolve) => {
      const id = ++asked;
      waiting.set(id, (result) => {
        waiting.delete(id);
        resolve(result);
      });
      socket.send(JSON.stringify({ id, method }));
    });
  return {
    async heapBytes() {
      const { totalSize, embedderHeapUsedSize, backingStorageSize } = (await ask(
        "Runtime.getHeapUsage",
      )) as HeapUsage;
      return totalSize + embedderHeapUsedSize + backingStorageSize;
    },
    async collectGarbage(request) {
      let isCollected = false;
      const collected = ask("HeapProfiler.collectGarbage").then(() => {
        isCollected = true;
      });
      while (!isCollected) await request();
      await collected;
    },
    close: () => socket.close(),
  };
}

/** An address of this machine that nothing listens at. */
export async function freeAddress(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}
