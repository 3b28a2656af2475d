/** Requests of every kind in a random order, and whether each was answered as it should be. */

import { createHash } from "node:crypto";
import { Agent, request as httpRequest } from "node:http";
import sharp from "sharp";
import { encodeNpy } from "../shared/npy.ts";
import { encodePng } from "../shared/png.ts";
import { createRandom } from "../shared/random.ts";

export interface LoadRequest {
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
  /** How often it is sent, in proportion. */
  readonly weight: number;
  readonly status: number;
  /** Whether its answer is the same every time. */
  readonly isFixed: boolean;
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly retryAfter: string | null;
  /** Of the body. */
  readonly sha256: string;
}

/** What a model of 28×28 grey images is asked: samples, neighbours, documents, and requests that must be refused. */
export async function mixedRequests(): Promise<LoadRequest[]> {
  const pixels = Uint8Array.from({ length: 784 }, (_, i) => (i * 37) % 256);
  const image = { width: 28, height: 28, channels: 1 as const };
  const post = (type: string, body: Uint8Array | string, weight: number, status = 200) =>
    one("/nearest", weight, {
      method: "POST",
      headers: { "content-type": type },
      body: bytesOf(body),
      status,
    });
  return [
    one("/sample", 25, { isFixed: false }),
    ...[1, 2, 3, 4, 5, 6].flatMap((seed) => [
      one(`/sample?seed=${seed}`, 3),
      one(`/sample?seed=${seed}&n=${seed * 2}&format=json`, 0.5),
      one(`/sample?seed=${seed}&n=9&format=npy`, 0.5),
      one(`/sample?seed=${seed}&n=64`, 0.5),
    ]),
    one("/sample?seed=7&n=2&format=json&check=1", 1),
    post("application/json", '{"seed": 3, "index": 2}', 5),
    post("application/json", JSON.stringify({ pixels: [...pixels] }), 5),
    post("image/png", encodePng({ ...image, data: pixels }), 4),
    post("image/jpeg", await sharp(pixels, { raw: image }).jpeg().toBuffer(), 2),
    post("application/x-npy", encodeNpy({ shape: [28, 28], values: pixels }), 4),
    one("/manifest.json", 5),
    one("/train/17.png", 8),
    one("/healthz", 4),
    one("/models", 2),
    one("/openapi.json", 1),
    one("/sample?n=65", 2, { status: 400 }),
    one("/nope", 1, { status: 404 }),
    one("/sample?seed=1&v=0000000000000000", 1, { status: 404, isFixed: false }), // tells the version that there is
    one("/nearest", 1, { status: 405 }),
    one("/sample", 1, { status: 406, headers: { accept: "text/html" } }),
    post("image/png", new Uint8Array(1_200_000), 0.2, 413),
    post("text/plain", "an image", 1, 415),
    post("image/png", encodePng({ ...image, width: 14, data: pixels.subarray(392) }), 1, 422),
    post("application/x-npy", encodeNpy({ shape: [28, 28], values: pixels }).subarray(0, 300), 1, 400),
  ];
}

function one(
  path: string,
  weight: number,
  { method = "GET", headers = {}, body = null, status = 200, isFixed = true }: Partial<LoadRequest> = {},
): LoadRequest {
  return { path, weight, method, headers, body, status, isFixed };
}

function bytesOf(body: Uint8Array | string): Uint8Array {
  return typeof body === "string" ? new TextEncoder().encode(body) : body;
}

/** The answers of a server that nothing happens to, by request. */
export async function referenceAnswers(
  url: string,
  requests: readonly LoadRequest[],
): Promise<Map<LoadRequest, Answer>> {
  const agent = new Agent({ keepAlive: true });
  const answers = new Map<LoadRequest, Answer>();
  for (const request of requests) answers.set(request, await exchange(url, request, agent));
  agent.destroy();
  return answers;
}

export interface MixedLoad {
  readonly url: string;
  readonly requests: readonly LoadRequest[];
  readonly count: number;
  readonly concurrency: number;
  readonly seed: number;
  /** What is wrong with an answer, or null. */
  readonly complaint: (request: LoadRequest, answer: Answer) => string | null;
  /** Called with the number of answers so far. */
  readonly onAnswer?: (answered: number) => void;
  /** Sends again what got no answer because there was no connection, or it was cut: default false, it's a complaint. */
  readonly resends?: boolean;
}

/** @returns what was wrong, a line each */
export async function sendMixed(load: MixedLoad): Promise<string[]> {
  const { url, requests, count, concurrency, complaint, onAnswer, resends = false } = load;
  const random = createRandom(load.seed);
  const totalWeight = requests.reduce((sum, { weight }) => sum + weight, 0);
  const draw = () => {
    let at = random.uniform() * totalWeight;
    return requests.find(({ weight }) => (at -= weight) < 0) ?? requests[0]!;
  };
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const complaints: string[] = [];
  let sent = 0;
  let answered = 0;
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (sent++ < count) {
        const request = draw();
        const answer = resends ? answerInTheEnd(url, request, agent) : exchange(url, request, agent);
        const wrong = await answer.then(
          (answer) => complaint(request, answer),
          (error: Error) => error.message,
        );
        if (wrong) complaints.push(`${request.method} ${request.path}: ${wrong}`);
        onAnswer?.(++answered);
      }
    }),
  );
  agent.destroy();
  return complaints;
}

const RESENT_AFTER_MS = 20;
const MOST_RESENT = 1000;

/** @throws the last error, if no answer comes for long */
async function answerInTheEnd(url: string, request: LoadRequest, agent: Agent): Promise<Answer> {
  for (let sent = 1; ; sent++) {
    try {
      return await exchange(url, request, agent);
    } catch (error) {
      if (sent === MOST_RESENT) throw error;
      await new Promise((resolve) => setTimeout(resolve, RESENT_AFTER_MS));
    }
  }
}

/** What is wrong with an answer that should be one of these. */
export function differs(request: LoadRequest, answer: Answer, ...right: readonly Answer[]): string | null {
  if (answer.status !== request.status) return `status ${answer.status}, expected ${request.status}`;
  if (answer.status >= 400 && answer.type !== "application/problem+json") return `an error as ${answer.type}`;
  if (request.isFixed && !right.some(({ sha256 }) => sha256 === answer.sha256))
    return "another body than before";
  return null;
}

function exchange(url: string, { path, method, headers, body }: LoadRequest, agent: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = body ? { "content-length": body.length } : {};
    const outgoing = httpRequest(
      url + path,
      { method, headers: { ...headers, ...length }, agent },
      (response) => {
        const hash = createHash("sha256");
        response.on("data", (chunk: Uint8Array) => hash.update(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode!,
            type: response.headers["content-type"] ?? "",
            retryAfter: response.headers["retry-after"] ?? null,
            sha256: hash.digest("hex"),
          }),
        );
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body ?? undefined);
  });
}
