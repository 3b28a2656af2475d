/** What an isolate holds by V8's own accounts, which the platform's limit is about: read by workerd's inspector. */

import { once } from "node:events";
import { createServer } from "node:net";

export interface IsolateMemory {
  /**
   * Bytes of the heap, of what the runtime keeps for its objects, and of their buffers: garbage that was not collected
   * yet is among them, WebAssembly's memory isn't.
   */
  heapBytes(): Promise<number>;
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
  let asked = 0;
  return {
    async heapBytes() {
      const id = ++asked;
      socket.send(JSON.stringify({ id, method: "Runtime.getHeapUsage" }));
      for (;;) {
        const [{ data }] = (await once(socket, "message")) as [MessageEvent<string>];
        const answer = JSON.parse(data) as { id?: number; result: HeapUsage };
        if (answer.id !== id) continue;
        const { totalSize, embedderHeapUsedSize, backingStorageSize } = answer.result;
        return totalSize + embedderHeapUsedSize + backingStorageSize;
      }
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
