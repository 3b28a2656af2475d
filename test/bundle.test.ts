import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  BundleError,
  MAX_FILE_BYTES,
  type Manifest,
  manifestVersion,
  parseManifest,
  serialiseManifest,
} from "../shared/manifest.ts";
import { createRandom } from "../shared/random.ts";
import { sha256Hex } from "../shared/sha256.ts";
import { openBundle } from "../trainer/bundle-reader.ts";
import type { Rows } from "../trainer/data/dataset.ts";
import { writeBundle } from "../trainer/export/bundle.ts";
import { contentOf, folder, newFolder, refusal } from "./bundle-cases.ts";
import { GREY, PLANE, randomRows, writeSmallBundle } from "./small-bundle.ts";

/** L2 between two rows of 784 pixels, which run from 0 to 1. */
function pixelDistance(values: Rows["values"], row: number, other: number): number {
  let sum = 0;
  for (let i = 0; i < 784; i++) sum += (values[row * 784 + i]! - values[other * 784 + i]!) ** 2;
  return Math.sqrt(sum) / 255;
}

describe("what a bundle holds", () => {
  let directory: string;
  let manifest: Manifest;
  beforeAll(async () => {
    directory = join(newFolder(), "blobs");
    manifest = await writeSmallBundle(directory, { name: "blobs", output: GREY });
  });

  test("its manifest parses, and lists every other file with size and hash", async () => {
    const text = readFileSync(join(directory, "manifest.json"), "utf8");
    expect(await parseManifest(text, "manifest.json")).toEqual(manifest);
    expect(manifest.version).toBe(await manifestVersion(manifest));
    const listed = manifest.files.map(({ path }) => path);
    expect([...listed, "manifest.json"].sort()).toEqual(readdirSync(directory).sort());
    for (const { path, bytes, sha256 } of manifest.files) {
      const content = new Uint8Array(readFileSync(join(directory, path)));
      expect([path, content.length, await sha256Hex(content)]).toEqual([path, bytes, sha256]);
    }
    for (const path of ["model.json", "weights.0.bin", "model.onnx", "train.0.bin", "train.labels.bin"]) {
      expect(listed).toContain(path);
    }
    for (const path of ["calibration.bin", "preview.png", "report.html", "README.md"]) {
      expect(listed).toContain(path);
    }
  });

  test("its JSON Schema names the fields that the manifest has, and all that it must have", () => {
    const schema = JSON.parse(readFileSync(join(directory, "manifest.schema.json"), "utf8"));
    expect(Object.keys(schema.properties).sort()).toEqual(Object.keys(manifest).sort());
    expect([...schema.required].sort()).toEqual(Object.keys(manifest).sort());
    expect(schema.additionalProperties).toBe(false);
  });

  test("training rows and labels as they are, the null distribution ascending", () => {
    const random = createRandom(1);
    const { neighbours, calibration } = manifest;
    expect(neighbours).toMatchObject({ dtype: "uint8", metric: "l2", rowCount: 300, rowLength: 784 });
    expect(neighbours!.shards).toEqual([{ file: "train.0.bin", rowCount: 300 }]);
    const rows = randomRows(random.fork("train"), 300, 784, true);
    expect(new Uint8Array(readFileSync(join(directory, "train.0.bin")))).toEqual(rows.values);
    const labels = readFileSync(join(directory, "train.labels.bin"));
    expect(Array.from({ length: 300 }, (_, i) => labels.readUInt16LE(2 * i))).toEqual([...rows.labels!]);
    const siblings = readFileSync(join(directory, neighbours!.siblingsFile!));
    for (const row of [0, 150, 299]) {
      const distances = Array.from({ length: 300 }, (_, other) =>
        other === row ? Number.POSITIVE_INFINITY : pixelDistance(rows.values, row, other),
      );
      expect(siblings.readFloatLE(4 * row)).toBe(Math.fround(Math.min(...distances)));
    }
    const null_ = readFileSync(join(directory, calibration!.file));
    const statistics = Array.from({ length: null_.length / 4 }, (_, i) => null_.readFloatLE(4 * i));
    expect(statistics.length).toBe(calibration!.heldOut);
    expect(statistics).toEqual(statistics.toSorted((a, b) => a - b));
  });

  test("the same content gives the same version, other content another", async () => {
    const again = join(newFolder(), "blobs");
    expect(await writeSmallBundle(again, { name: "blobs", output: GREY })).toEqual(manifest);
    const other = await writeSmallBundle(join(newFolder(), "blobs"), {
      name: "blobs",
      output: GREY,
      seed: 2,
    });
    expect(other.version).not.toBe(manifest.version);
  });

  test("without the training rows there are neither rows, labels nor calibration", async () => {
    const path = join(newFolder(), "private");
    const bare = await writeSmallBundle(path, { name: "private", output: GREY, withoutRows: true });
    expect([bare.neighbours, bare.calibration]).toEqual([null, null]);
    expect(readdirSync(path).filter((file) => /^(train|index|calibration)/.test(file))).toEqual([]);
    expect(readFileSync(join(path, "README.md"), "utf8")).toContain("holds no training example");
    await openBundle(path);
  });

  test("shards of 8 MiB hold whole rows, a large index is cut into parts", async () => {
    const path = join(newFolder(), "large");
    const [count, length] = [9_001, 3_000];
    const values = new Uint8Array(count * length).map((_, i) => i % 251);
    const stride = 3_008;
    const bytes = new Uint8Array(count * stride).map((_, i) => i % 241);
    const recall = { at1: 1, queries: 0 };
    const large = await writeBundle(
      path,
      contentOf({
        name: "large",
        train: { count, length, values, labels: null },
        index: { kind: "principal", bytes, dimensions: 3_000, pageRows: 100, recall },
      }),
    );
    const { shards, labelsFile, index } = large.neighbours!;
    expect(labelsFile).toBeNull();
    expect(shards.map(({ rowCount }) => rowCount)).toEqual([2_796, 2_796, 2_796, 613]);
    const parts = shards.map(({ file, rowCount }) => {
      const bytes = readFileSync(join(path, file));
      expect(bytes.length).toBe(rowCount * length);
      expect(bytes.length).toBeLessThanOrEqual(2 ** 23);
      return bytes;
    });
    expect(Buffer.compare(Buffer.concat(parts), values)).toBe(0);
    const files = ["index.0.bin", "index.1.bin", "index.2.bin", "index.3.bin"];
    expect(index).toEqual({ kind: "principal", files, pageRows: 100, pagesFile: "train.pages.bin", recall });
    const indexParts = files.map((file) => readFileSync(join(path, file)));
    for (const part of indexParts) expect(part.length).toBeLessThanOrEqual(2 ** 23);
    expect(Buffer.compare(Buffer.concat(indexParts), bytes)).toBe(0);
    // 28 pages of each shard, 7 of the last.
    expect(readFileSync(join(path, "train.pages.bin"))).toHaveLength(91 * 16);
    await openBundle(path);
  });

  test("a file that the edge can't serve is refused by name, and content that no reader takes", async () => {
    const path = join(newFolder(), "odd");
    const wide = { count: 2, length: MAX_FILE_BYTES + 1, values: new Uint8Array(2 * MAX_FILE_BYTES + 2) };
    await expect(writeBundle(path, contentOf({ train: { ...wide, labels: null } }))).rejects.toThrow(
      /export: train\.0\.bin has 25165825 bytes, more than the 25165824/,
    );
    await expect(writeBundle(path, contentOf({ metrics: { parzen: Number.NaN } }))).rejects.toThrow(
      /export: tiny\/manifest\.json: metrics\.parzen/,
    );
    await expect(writeBundle(path, contentOf({ name: "no good" }))).rejects.toThrow(/manifest\.json: name/);
    expect(existsSync(path)).toBe(false);
  });
});

describe("a tampered bundle is refused by the name of the file", () => {
  const original = join(folder, "original");
  let files: readonly string[];
  beforeAll(async () => {
    await writeSmallBundle(original, { name: "original", output: PLANE, rowCount: 60, heldOutCount: 20 });
    files = readdirSync(original);
  });

  /** Damages a file, sees it refused, and puts it back. */
  async function refused(file: string, damage: (path: string, bytes: Buffer) => void, message: RegExp) {
    const path = join(original, file);
    const bytes = readFileSync(path);
    damage(path, Buffer.from(bytes));
    const error = await refusal(openBundle(original));
    expect(error.message).toMatch(message);
    expect(error.message).toContain(file);
    rmSync(path, { recursive: true, force: true });
    writeFileSync(path, bytes);
  }

  test("a flipped bit anywhere in any file", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), fc.nat({ max: 7 }), async (which, place, bit) => {
        const file = files[which % files.length]!;
        const flip = (path: string, bytes: Buffer) => {
          bytes[place % bytes.length]! ^= 1 << bit;
          writeFileSync(path, bytes);
        };
        await refused(file, flip, /altered|not JSON|format version|manifest\.json: /);
      }),
      { numRuns: 200 },
    );
  });

  test("a file that is cut, emptied, missing, longer, or a folder", async () => {
    for (const file of files) {
      const size = readFileSync(join(original, file)).length;
      const isManifest = file === "manifest.json";
      const message = isManifest ? /altered|not JSON/ : /has \d+ bytes, the manifest says \d+/;
      await refused(file, (path) => truncateSync(path, size - 1), message);
      await refused(file, (path) => truncateSync(path, 0), message);
      await refused(file, (path, bytes) => writeFileSync(path, Buffer.concat([bytes, bytes])), message);
      await refused(file, (path) => rmSync(path), /missing/);
      const makeFolder = (path: string) => {
        rmSync(path);
        mkdirSync(path);
      };
      await refused(file, makeFolder, /not readable \(EISDIR\)/);
    }
    await openBundle(original);
  });

  test("a file that the manifest doesn't list can't be read through the bundle", async () => {
    writeFileSync(join(original, "extra.bin"), "x");
    const bundle = await openBundle(original);
    const error = await refusal(bundle.read("extra.bin"));
    expect(error.message).toContain("original/extra.bin: not listed in the manifest");
    rmSync(join(original, "extra.bin"));
  });

  test("a file that is altered after the bundle was opened", async () => {
    const bundle = await openBundle(original);
    const path = join(original, "weights.0.bin");
    const bytes = readFileSync(path);
    writeFileSync(path, Buffer.from(bytes).fill(0, 4, 8));
    expect((await refusal(bundle.read("weights.0.bin"))).message).toMatch(/weights\.0\.bin: SHA-256 is/);
    writeFileSync(path, bytes);
  });

  test("no bundle at all", async () => {
    const error = await refusal(openBundle(join(folder, "nowhere")));
    expect(error.message).toMatch(/nowhere\/manifest\.json: missing; is this an exported bundle\?/);
  });

  describe("the manifest's text", () => {
    const parse = (text: string) => parseManifest(text, "here/manifest.json");
    const manifestText = () => readFileSync(join(original, "manifest.json"), "utf8");

    test("any other byte", async () => {
      const bytes = readFileSync(join(original, "manifest.json"));
      for (let at = 0; at < bytes.length; at++) {
        const altered = Buffer.from(bytes);
        altered[at]! ^= 1 << (at % 8);
        await expect(parse(new TextDecoder().decode(altered))).rejects.toThrow(BundleError);
      }
    });

    test("white space, order and spelling that mean the same", async () => {
      const text = manifestText();
      const json = JSON.parse(text);
      const spellings = [
        text.trimEnd(),
        `${text}\n`,
        ` ${text}`,
        text.replaceAll("\n", "\r\n"),
        JSON.stringify(json),
        JSON.stringify(json, null, 4),
        text.replace('"imle-edge', '"\\u0069mle-edge'),
        serialiseManifest(Object.fromEntries(Object.entries(json).reverse()) as Manifest),
      ];
      for (const spelling of spellings) {
        expect(spelling).not.toBe(text);
        await expect(parse(spelling)).rejects.toThrow(/^here\/manifest\.json: altered since it was exported/);
      }
    });

    test("another format version is told apart from damage", async () => {
      for (const version of [0, 5, "1", null]) {
        const text = JSON.stringify({ ...JSON.parse(manifestText()), formatVersion: version });
        await expect(parse(text)).rejects.toThrow(
          `here/manifest.json: format version ${JSON.stringify(version)}, but this program reads 1 to 4.`,
        );
      }
      for (const text of ["null", "[]", "7", '"text"', "{}"]) {
        await expect(parse(text)).rejects.toThrow(/format version undefined/);
      }
      for (const text of ["", "{", "\0"]) await expect(parse(text)).rejects.toThrow(/not JSON/);
    });

    test("a field that is wrong, missing or unknown is named, even where the version fits", async () => {
      const manifest = JSON.parse(manifestText()) as Manifest;
      const changes: [string, object][] = [
        ["latent.size", { latent: { ...manifest.latent, size: 0 } }],
        ["output.shape", { output: { ...manifest.output, shape: [2, 2] } }],
        ["generator.layers.0.kind", { generator: { ...manifest.generator, layers: [{ kind: "magic" }] } }],
        [
          "generator.layers.0.kernelSize",
          {
            generator: {
              ...manifest.generator,
              layers: [{ kind: "conv-transpose", filters: 1, kernelSize: 3, stride: 2, activation: "relu" }],
            },
          },
        ],
        ["files.0.path", { files: [{ ...manifest.files[0]!, path: "../secret" }] }],
        ["files.0.bytes", { files: [{ ...manifest.files[0]!, bytes: MAX_FILE_BYTES + 1 }] }],
        ["calibration.alpha", { calibration: { ...manifest.calibration, alpha: 0.5 } }],
        ["name", { name: "a/b" }],
        ["surprise", { surprise: 1 }],
        ["seed", { training: { ...manifest.training, seed: -1 } }],
      ];
      for (const [field, change] of changes) {
        const altered = { ...manifest, ...change } as Manifest;
        const text = serialiseManifest({ ...altered, version: await manifestVersion(altered) });
        await expect(parse(text), field).rejects.toThrow(field);
      }
    });
  });
});
