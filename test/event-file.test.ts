/** TensorBoard's event files, read back by a reader that shares nothing with the writer. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decode } from "fast-png";
import { PbfReader } from "pbf";
import { afterAll, describe, expect, test } from "vitest";
import { encodePng } from "../shared/png.ts";
import { resolveConfig } from "../trainer/config.ts";
import { crc32c } from "../trainer/run/crc32c.ts";
import { createRunFolder, resumeRunFolder, type TimedObservation } from "../trainer/run/run-folder.ts";

const parent = mkdtempSync(join(tmpdir(), "imle-events-"));
afterAll(() => rmSync(parent, { recursive: true }));

test("CRC-32C gives the values of RFC 3720, appendix B.4", () => {
  const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(ascending)).toBe(0x46dd794e);
  expect(crc32c(ascending.toReversed())).toBe(0x113fdb5c);
  expect(crc32c(new TextEncoder().encode("123456789"))).toBe(0xe3069283);
});

/** Bit by bit, the remainder of a division of polynomials. */
function slowCrc(bytes: Uint8Array): number {
  let remainder = 0xffffffffn;
  for (const byte of bytes) {
    remainder ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) remainder = (remainder >> 1n) ^ (remainder & 1n ? 0x82f63b78n : 0n);
  }
  return Number(remainder ^ 0xffffffffn);
}

const unmasked = (masked: number) => {
  const rotated = (masked - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
};

interface Event {
  wallTime: number;
  step: number;
  fileVersion?: string;
  sessionStatus?: number;
  scalars: Record<string, number>;
  images: Record<string, { height: number; width: number; png: Uint8Array }>;
}

/** Every event of a file; its checksums must be right. */
function readEvents(file: string): Event[] {
  const bytes = readFileSync(file);
  const events: Event[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    expect(unmasked(bytes.readUInt32LE(at + 8))).toBe(slowCrc(bytes.subarray(at, at + 8)));
    const message = bytes.subarray(at + 12, at + 12 + length);
    expect(unmasked(bytes.readUInt32LE(at + 12 + length))).toBe(slowCrc(message));
    events.push(readEvent(message));
    at += 16 + length;
  }
  return events;
}

function readEvent(message: Uint8Array): Event {
  const event: Event = { wallTime: 0, step: 0, scalars: {}, images: {} };
  return new PbfReader(message).readFields((field, into, pbf) => {
    if (field === 1) into.wallTime = pbf.readDouble();
    if (field === 2) into.step = pbf.readVarint();
    if (field === 3) into.fileVersion = pbf.readString();
    if (field === 5) pbf.readMessage(readSummary, into);
    if (field === 7) into.sessionStatus = pbf.readMessage(readStatus, { status: -1 }).status;
  }, event);
}

function readStatus(field: number, into: { status: number }, pbf: PbfReader): void {
  if (field === 1) into.status = pbf.readVarint();
}

function readSummary(field: number, event: Event, pbf: PbfReader): void {
  if (field !== 1) return;
  const value = {
    tag: "",
    number: null as number | null,
    image: { height: 0, width: 0, png: new Uint8Array() },
  };
  pbf.readMessage((at, into, inner) => {
    if (at === 1) into.tag = inner.readString();
    if (at === 2) into.number = inner.readFloat();
    if (at === 4) inner.readMessage(readImage, into.image);
  }, value);
  if (value.number === null) event.images[value.tag] = value.image;
  else event.scalars[value.tag] = value.number;
}

function readImage(field: number, into: Event["images"][string], pbf: PbfReader): void {
  if (field === 1) into.height = pbf.readVarint();
  if (field === 2) into.width = pbf.readVarint();
  if (field === 4) into.png = pbf.readBytes();
}

const eventFiles = (run: string) =>
  readdirSync(run)
    .filter((name) => name.includes("tfevents"))
    .sort()
    .map((name) => join(run, name));

const picture = encodePng({ width: 7, height: 5, channels: 1, data: new Uint8Array(35).fill(9) });
const spread = { mean: 2, p5: 1, p25: 1.5, p50: 2, p75: 2.5, p95: 3 };
const observation = (stepCount: number): TimedObservation => ({
  stepCount,
  elapsedSeconds: 1,
  matchDistance: spread,
  realDistance: spread,
  picture,
});

describe("a run's event files", () => {
  test("hold its numbers and pictures, by step", async () => {
    const run = await createRunFolder(resolveConfig("ring"), parent);
    const begun = Date.now() / 1000 - 1;
    await run.observe(observation(0));
    await run.record({ stepCount: 100, loss: 0.25, recall: null, progress: 0.1, seconds: { search: 1.5 } });
    run.close();
    const [file, ...others] = eventFiles(run.path);
    expect(others).toEqual([]);
    const events = readEvents(file!);
    expect(events.map(({ step }) => step)).toEqual([0, 0, 0, 100]);
    for (const { wallTime } of events) expect(wallTime).toBeGreaterThan(begun);
    expect(events[0]).toMatchObject({ fileVersion: "brain.Event:2" });
    expect(events[2]!.scalars).toEqual({
      "matchDistance/mean": 2,
      "matchDistance/p5": 1,
      "matchDistance/p25": 1.5,
      "matchDistance/p50": 2,
      "matchDistance/p75": 2.5,
      "matchDistance/p95": 3,
    });
    const { png, ...size } = events[2]!.images["samples"]!;
    expect(size).toEqual({ width: 7, height: 5 });
    expect(decode(png).data).toEqual(new Uint8Array(35).fill(9));
    expect(events[3]!.scalars).toEqual({ loss: 0.25, "seconds/search": 1.5 });
  });

  test("of a resumed run say that what came after its checkpoint is void", async () => {
    const run = await createRunFolder(resolveConfig("ring"), parent);
    const training = { parameters: {}, counters: {}, arrays: {} };
    await run.saveCheckpoint({ stepCount: 100, elapsedSeconds: 1, loss: 1, training });
    for (const stepCount of [100, 200, 300]) await run.record({ stepCount, loss: stepCount });
    const { folder: resumed } = await resumeRunFolder(run.path);
    await resumed.record({ stepCount: 200, loss: 7 });
    resumed.close();
    const files = eventFiles(run.path);
    expect(files.length).toBe(2);
    // TensorBoard reads them in the order of their names, and drops what it knows of the steps from a start (status 1) on.
    const known = new Map<number, number>();
    for (const { step, sessionStatus, scalars } of files.flatMap(readEvents)) {
      if (sessionStatus === 1) for (const each of known.keys()) if (each >= step) known.delete(each);
      if (scalars["loss"] !== undefined) known.set(step, scalars["loss"]);
    }
    expect(Object.fromEntries(known)).toEqual({ 100: 100, 200: 7 });
  });
});
