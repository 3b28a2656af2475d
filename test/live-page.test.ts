/** `--open`: the page of a run that goes on, as its events tell it. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pointsTraining, runsIn } from "./small-runs.ts";
import { startTraining, type TrainProcess } from "./train-process.ts";

const cwd = mkdtempSync(join(tmpdir(), "imle-live-"));
let training: TrainProcess;
let url: string;

beforeAll(async () => {
  training = startTraining(cwd, ...pointsTraining(cwd), "--open", "--steps", "2000", "--out", "model");
  url = (await training.told("page"))["url"] as string;
});
afterAll(async () => {
  training.child.kill();
  await training.ended();
  rmSync(cwd, { recursive: true });
});

/** The status of a request that gives this host's name. */
const statusFor = (host: string) =>
  new Promise((resolve, reject) => {
    request(url, { headers: { host } }, (response) => resolve(response.resume().statusCode))
      .on("error", reject)
      .end();
  });

test("is told progress and the report so far, and keeps the final one when the training ends", async () => {
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const page = await (await fetch(url)).text();
  expect(page).toContain("default-src 'none'");
  // A page elsewhere whose name leads here reads nothing.
  expect(await statusFor("elsewhere.example")).toBe(403);
  expect((await fetch(`${url}/report.html`)).status).toBe(404);

  const response = await fetch(`${url}/events`);
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const told: { event: string; data: unknown }[] = [];
  for (const block of (await response.text()).trimEnd().split("\n\n")) {
    const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(block)!;
    told.push({ event: event!, data: JSON.parse(data!) });
  }
  const shares = told.flatMap(({ event, data }) =>
    event === "progress" ? [(data as { share: number }).share] : [],
  );
  expect(shares.at(-1)).toBe(1);
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  const reports = told.filter(({ event }) => event === "report").map(({ data }) => data as string);
  expect(reports.length).toBeGreaterThan(1);
  expect(reports[0]).toContain("Samples at step 0");
  expect(reports[0]).not.toContain('id="metrics"');
  const [run] = runsIn(cwd);
  expect(readFileSync(join(run!, "report.html"), "utf8")).toContain(reports.at(-1));
  expect(told.at(-1)).toMatchObject({ event: "end", data: { folder: run } });

  expect((await training.ended()).status).toBe(0);
  await expect(fetch(url)).rejects.toThrow();
});
