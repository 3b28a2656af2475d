/**
 * `--open`: the report of a run while it goes on, on a page that this process serves. The server ends with the
 * training; a page that is open then has got the final report, and keeps it.
 */

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pageOf } from "../trainer/report/page.ts";
import { readRun } from "../trainer/report/run-record.ts";
import { reportBody } from "../trainer/report/training-report.ts";
import { describe, everySeconds } from "../trainer/run/progress-text.ts";
import type { Reporter } from "../trainer/run/reporter.ts";
import { REPORT } from "../trainer/run/run-files.ts";

export interface LivePage {
  readonly url: string;
  /** Tells the page how training goes. */
  readonly reporter: Reporter;
  /** Sends what open pages shall keep, and ends. */
  close(): Promise<void>;
}

/** Seconds between two drawings of the curves: one takes a third of a second of the training's time. */
const REDRAW_SECONDS = 5;

/** @param name of the model, the page's heading */
export async function serveLivePage(name: string): Promise<LivePage> {
  const readers = new Set<ServerResponse>();
  let folder: string | null = null;
  let status = "getting ready";
  let share = 0;
  let body = "";
  let drawing: Promise<void> = Promise.resolve();

  const tell = (event: string, data: unknown) => {
    for (const reader of readers) send(reader, event, data);
  };
  const tellStatus = () => tell("progress", { status, share });
  const tellNowAndThen = everySeconds(0.25, tellStatus);

  /** Draws the report anew, one drawing after the other; nothing where nobody looks. */
  function redraw(): Promise<void> {
    drawing = drawing.then(async () => {
      if (folder === null || readers.size === 0) return;
      body = await reportBody(await readRun(folder), null, name);
      tell("report", body);
    });
    // A disk that fails is told by the run itself.
    drawing = drawing.catch(() => {});
    return drawing;
  }
  const redrawNowAndThen = everySeconds(REDRAW_SECONDS, redraw);

  const server = createServer((request, response) => {
    // Another site's page may not read this one under a name of its own that leads here.
    if (request.headers.host !== new URL(url).host) return void response.writeHead(403).end();
    if (request.url === "/events") {
      response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
      readers.add(response);
      response.on("close", () => readers.delete(response));
      send(response, "progress", { status, share });
      if (body !== "") send(response, "report", body);
      else redraw();
    } else if (request.url === "/") {
      response.writeHead(200, { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" });
      response.end(livePage(name));
    } else {
      response.writeHead(404).end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  server.unref();

  return {
    url,
    reporter: {
      note(event, text, fields) {
        if (event === "run") folder = String(fields?.["run"]);
        status = text;
        tellStatus();
      },
      training(progress) {
        [status, share] = [describe(progress).trim(), progress.progress];
        tellNowAndThen();
        redrawNowAndThen();
      },
      observed: () => void redraw(),
      working(what, done, total) {
        status = `${what}: ${Math.floor((100 * done) / total)} %`;
        tellNowAndThen();
      },
      close() {},
    },
    async close() {
      await drawing;
      const report = folder && (await readFile(join(folder, REPORT), "utf8").catch(() => null));
      if (report) tell("report", /<body>(.*)<script>/s.exec(report)![1]);
      tell("end", { status, folder: report ? folder : null });
      await Promise.all([...readers].map((reader) => new Promise<void>((done) => reader.end(done))));
      server.close();
      server.closeAllConnections();
    },
  };
}

function send(reader: ServerResponse, event: string, data: unknown): void {
  reader.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}

function livePage(name: string): string {
  return pageOf({
    title: `${name} – training`,
    connects: "'self'",
    body: `<p><progress id="progress" max="1" value="0" aria-labelledby="status"></progress></p>
<p id="status" class="quiet" role="status">connecting …</p>
<div id="report"></div>
<noscript>The page needs JavaScript while the training goes on. report.html in the run folder doesn't.</noscript>
<script>${LIVE_SCRIPT}</script>`,
  });
}

/** The slider stays where one put it, or at the newest picture. */
const LIVE_SCRIPT = `
const events = new EventSource("/events");
const status = document.querySelector("#status");
const hear = (name, act) => events.addEventListener(name, (event) => act(JSON.parse(event.data)));
hear("progress", ({ status: text, share }) => {
  status.textContent = text;
  document.querySelector("#progress").value = share;
});
hear("report", (html) => {
  const slider = document.querySelector(".frames input");
  const chosen = slider && slider.value !== slider.max ? slider.value : null;
  const open = [...document.querySelectorAll("details")].map((each) => each.open);
  document.querySelector("#report").innerHTML = html;
  document.querySelectorAll("details").forEach((each, i) => { each.open = open[i] === true; });
  const next = document.querySelector(".frames input");
  if (next && chosen !== null) { next.value = chosen; scrub(next); }
});
hear("end", ({ status: text, folder }) => {
  events.close();
  document.querySelector("#progress").value = 1;
  status.textContent = folder ? text + ". This page is " + folder + "/report.html." : text + ".";
});
events.onerror = () => {
  if (events.readyState !== EventSource.CLOSED) status.textContent = "The training has ended, or can't be reached.";
};
`;
