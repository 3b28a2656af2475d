/** A table of numbers, one example a line: comma, semicolon or tab between them, names in line 1 if it has any. */

import { createReadStream } from "node:fs";
import { CsvError, parse } from "csv-parse";
import { InputError } from "../input-error.ts";
import type { Rows } from "./dataset.ts";
import { dataName, matchingFiles, onlyMatchingFile } from "./folder.ts";
import type { FileSource } from "./source.ts";
import { shuffleAndSplit } from "./split.ts";

const FILE_NAME = /\.[ct]sv$/i;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

export const csv: FileSource = {
  name: "csv",
  expects: "a .csv file of numbers",

  async detect(path) {
    return (await matchingFiles(path, FILE_NAME)).length > 0;
  },

  async load(path, { seed }) {
    const file = await onlyMatchingFile(path, FILE_NAME);
    const rows = await readTable(file);
    return {
      name: dataName(path),
      kind: "vector",
      shape: [rows.length],
      labelNames: null,
      modes: null,
      ...shuffleAndSplit(rows, {}, seed, file),
    };
  },
};

async function readTable(file: string): Promise<Rows> {
  let names: string[] | null = null;
  let length = 0;
  const numbers: Float32Array[] = [];
  for await (const { record, line } of records(file)) {
    if (length === 0) {
      length = record.length;
      if (record.some((field) => !NUMBER.test(field))) {
        names = record;
        continue;
      }
    }
    if (record.length !== length) {
      throw new InputError(
        `${file}: line ${line} has ${record.length} columns, expected ${length} as in line 1.`,
      );
    }
    numbers.push(
      parseNumbers(
        record,
        (column) => `${file}: line ${line}, column ${column + 1}${names ? ` (${names[column]})` : ""}`,
      ),
    );
  }
  if (numbers.length === 0) throw new InputError(`${file}: empty, expected lines of numbers.`);
  const values = new Float32Array(numbers.length * length);
  for (const [row, line] of numbers.entries()) values.set(line, row * length);
  return { count: numbers.length, length, values, labels: null };
}

function parseNumbers(fields: readonly string[], where: (column: number) => string): Float32Array {
  const numbers = new Float32Array(fields.length);
  for (const [column, field] of fields.entries()) {
    numbers[column] = Number(field);
    if (!NUMBER.test(field) || !Number.isFinite(numbers[column]!)) {
      throw new InputError(
        `${where(column)}: ${JSON.stringify(field.slice(0, 40))} is no number (of float32).`,
      );
    }
  }
  return numbers;
}

async function* records(file: string): AsyncGenerator<{ record: string[]; line: number }> {
  const parser = parse({
    bom: true,
    delimiter: await findDelimiter(file),
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
    record_delimiter: ["\r\n", "\n", "\r"],
    max_record_size: 2 ** 24,
  });
  createReadStream(file)
    .on("error", (error) => parser.destroy(error))
    .pipe(parser);
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: string[];
      info: { lines: number };
    }>) {
      yield { record, line: info.lines };
    }
  } catch (error) {
    if (error instanceof CsvError) throw new InputError(`${file}: ${error.message}.`);
    throw error;
  }
}

/** The first line tells: a semicolon (where the comma is the decimal sign), else a tab, else a comma. */
async function findDelimiter(file: string): Promise<string> {
  for await (const chunk of createReadStream(file, { encoding: "utf8" })) {
    const [firstLine = ""] = String(chunk).split("\n", 1);
    return [";", "\t"].find((mark) => firstLine.includes(mark)) ?? ",";
  }
  return ",";
}
