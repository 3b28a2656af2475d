/**
 * What TensorBoard reads: a file of records, each a protobuf message.
 *
 * Record: uint64 length, uint32 masked CRC-32C of the length, the message, uint32 masked CRC-32C of the message;
 * little-endian. Sources: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/lib/io/record_writer.cc,
 * …/core/util/event.proto, …/core/framework/summary.proto
 */

import { hostname } from "node:os";
import { PbfWriter } from "pbf";
import { crc32c } from "./crc32c.ts";

interface ImageSummary {
  readonly height: number;
  readonly width: number;
  /** A PNG. */
  readonly png: Uint8Array;
}

/** One event: numbers by name, or pictures. */
export interface Summary {
  readonly stepCount: number;
  readonly scalars?: Readonly<Record<string, number>>;
  readonly images?: Readonly<Record<string, ImageSummary>>;
}

/** The records that a file begins with: its format, and that what is known of this step and later ones is void. */
export function beginningOfEvents(firstStep: number): Uint8Array {
  return Buffer.concat([
    eventRecord(0, (pbf) => pbf.writeStringField(3, "brain.Event:2")),
    eventRecord(firstStep, (pbf) => pbf.writeMessage(7, writeSessionStart, null)),
  ]);
}

export function summaryRecord(summary: Summary): Uint8Array {
  return eventRecord(summary.stepCount, (pbf) => pbf.writeMessage(5, writeSummary, summary));
}

let files = 0;

/** A file of its own for every process that works on a run, so that TensorBoard reads them in the order of their making. */
export function eventFileName(): string {
  const seconds = String(Math.floor(Date.now() / 1000)).padStart(10, "0");
  return `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.${files++}`;
}

function eventRecord(stepCount: number, what: (pbf: PbfWriter) => void): Uint8Array {
  const pbf = new PbfWriter();
  pbf.writeDoubleField(1, Date.now() / 1000);
  pbf.writeVarintField(2, stepCount);
  what(pbf);
  return framed(pbf.finish());
}

function writeSessionStart(_: null, pbf: PbfWriter): void {
  pbf.writeVarintField(1, 1);
}

function writeSummary({ scalars = {}, images = {} }: Summary, pbf: PbfWriter): void {
  for (const scalar of Object.entries(scalars)) pbf.writeMessage(1, writeScalar, scalar);
  for (const image of Object.entries(images)) pbf.writeMessage(1, writeImageValue, image);
}

function writeScalar([tag, value]: [string, number], pbf: PbfWriter): void {
  pbf.writeStringField(1, tag);
  pbf.writeFloatField(2, value);
}

function writeImageValue([tag, image]: [string, ImageSummary], pbf: PbfWriter): void {
  pbf.writeStringField(1, tag);
  pbf.writeMessage(4, writeImage, image);
}

function writeImage({ height, width, png }: ImageSummary, pbf: PbfWriter): void {
  pbf.writeVarintField(1, height);
  pbf.writeVarintField(2, width);
  pbf.writeBytesField(4, png);
}

function framed(message: Uint8Array): Uint8Array {
  const record = Buffer.alloc(12 + message.length + 4);
  record.writeBigUInt64LE(BigInt(message.length), 0);
  record.writeUInt32LE(masked(record.subarray(0, 8)), 8);
  record.set(message, 12);
  record.writeUInt32LE(masked(message), 12 + message.length);
  return record;
}

/** As records have it: a CRC of data that hold CRCs would be weak. */
function masked(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
