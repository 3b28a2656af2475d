/** Requests against a local server: how many a second, and what they cost it. */

import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { Agent, type RequestOptions, request } from "node:http";
import { promisify } from "node:util";

/** Requests a second over so many connections: by `wrk` where it is installed, else by Node. */
export async function requestsPerSecond(url: string, seconds: number, connections: number): Promise<number> {
  try {
    const { stdout } = await promisify(execFile)("wrk", ["-t1", `-c${connections}`, `-d${seconds}s`, url]);
    if (/Non-2xx/.test(stdout)) throw new Error(`${url}: ${stdout}`);
    return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)![1]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const end = performance.now() + seconds * 1000;
  let done = 0;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (; performance.now() < end; done++) await send(url, { agent });
    }),
  );
  agent.destroy();
  return done / seconds;
}

/**
 * Processor time that one request costs a process, in milliseconds, less what the process uses when idle.
 * Null where /proc doesn't tell (anywhere but Linux).
 */
export async function cpuMsPerRequest(
  pid: number,
  count: number,
  send: () => Promise<void>,
): Promise<number | null> {
  const idleStart = await cpuMs(pid);
  if (idleStart === null) return null;
  const idleFrom = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const start = (await cpuMs(pid))!;
  const from = performance.now();
  const idleShare = (start - idleStart) / (from - idleFrom);
  for (let i = 0; i < count; i++) await send();
  const used = (await cpuMs(pid))! - start;
  return (used - idleShare * (performance.now() - from)) / count;
}

/** Sends one request and reads the answer to its end. */
export function send(url: string, options: RequestOptions, body?: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, options, (response) => {
      response.resume();
      response.on("end", () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`${url}: status ${response.statusCode}`));
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** Of all threads, in nanosecond resolution (`stat` counts in hundredths of a second). */
async function cpuMs(pid: number): Promise<number | null> {
  try {
    const threads = await readdir(`/proc/${pid}/task`);
    const times = await Promise.all(
      threads.map(async (thread) => {
        const text = await readFile(`/proc/${pid}/task/${thread}/schedstat`, "utf8");
        return Number(text.split(" ")[0]) / 1e6;
      }),
    );
    return times.reduce((sum, time) => sum + time, 0);
  } catch {
    return null;
  }
}
