import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { openBundle } from "../trainer/bundle-reader.ts";
import { writeBundle } from "../trainer/export/bundle.ts";
import { contentOf, newFolder, refusal } from "./bundle-cases.ts";

/** What the disk refuses: writing a path, or renaming `from to`. */
let refusedByDisk: { readonly call: "writeFile" | "rename"; readonly path: RegExp } | null = null;
vi.mock("node:fs/promises", async (importOriginal) => {
  const fs = await importOriginal<typeof import("node:fs/promises")>();
  const guarded =
    <Args extends unknown[], Result>(call: "writeFile" | "rename", act: (...args: Args) => Result) =>
    (...args: Args) => {
      const path = args.slice(0, call === "rename" ? 2 : 1).join(" ");
      if (refusedByDisk?.call === call && refusedByDisk.path.test(path)) {
        return Promise.reject(Object.assign(new Error("ENOSPC: no space left"), { code: "ENOSPC" }));
      }
      return act(...args);
    };
  return { ...fs, writeFile: guarded("writeFile", fs.writeFile), rename: guarded("rename", fs.rename) };
});

describe("writing is all or nothing", () => {
  const weightsOf = (value: number) =>
    contentOf({
      weights: { "dense0/kernel": new Float32Array(4).fill(value), "dense0/bias": Float32Array.of(0, 0) },
    });

  test("a bundle that is there is replaced, with nothing left beside or in it", async () => {
    const parent = newFolder();
    const path = join(parent, "tiny");
    const first = await writeBundle(path, { ...weightsOf(1), index: null });
    writeFileSync(join(path, "stale.txt"), "");
    const second = await writeBundle(path, weightsOf(2));
    expect(second.version).not.toBe(first.version);
    expect((await openBundle(path)).manifest).toEqual(second);
    expect(readdirSync(parent)).toEqual(["tiny"]);
    expect(readdirSync(path)).not.toContain("stale.txt");
  });

  test("missing folders above are made", async () => {
    const path = join(newFolder(), "a", "b", "tiny");
    await writeBundle(path, contentOf());
    await openBundle(path);
  });

  test.each([
    ["a file", "writeFile", /model\.onnx$/],
    ["the manifest", "writeFile", /manifest\.json$/],
    ["stepping aside", "rename", /\.old$/],
    ["taking its place", "rename", /(?<!\.old) \S+\/tiny$/],
  ] as const)("when %s fails, the old bundle stays and nothing else", async (_, call, path) => {
    const parent = newFolder();
    const target = join(parent, "tiny");
    const before = await writeBundle(target, weightsOf(1));
    refusedByDisk = { call, path };
    await expect(writeBundle(target, weightsOf(2)))
      .rejects.toThrow(/ENOSPC/)
      .finally(() => {
        refusedByDisk = null;
      });
    expect(readdirSync(parent)).toEqual(["tiny"]);
    expect((await openBundle(target)).manifest).toEqual(before);
  });

  describe("nothing but a bundle is ever replaced", () => {
    async function refuses(path: string, message: RegExp): Promise<void> {
      expect((await refusal(writeBundle(path, contentOf()))).message).toMatch(message);
    }

    test("a folder with other files stays as it is", async () => {
      const path = join(newFolder(), "work");
      mkdirSync(path);
      writeFileSync(join(path, "thesis.txt"), "years");
      await refuses(path, /work holds other files and no exported model/);
      writeFileSync(join(path, "manifest.json"), '{"name": "some web app"}');
      await refuses(path, /work holds other files and no exported model/);
      expect(readdirSync(path).sort()).toEqual(["manifest.json", "thesis.txt"]);
    });

    test("a file stays as it is", async () => {
      const path = join(newFolder(), "notes.txt");
      writeFileSync(path, "years");
      await refuses(path, /notes\.txt can't be written \(ENOTDIR\)/);
      await refuses(join(path, "below"), /below can't be written/);
      expect(readFileSync(path, "utf8")).toBe("years");
    });

    test("an empty folder may become one", async () => {
      const path = join(newFolder(), "empty");
      mkdirSync(path);
      await writeBundle(path, contentOf());
      await openBundle(path);
    });

    test("a name that no manifest takes", async () => {
      const parent = newFolder();
      for (const name of ["my model", ".hidden", "a".repeat(65)]) {
        await refuses(join(parent, name), /is no name for a model/);
      }
      await refuses("/", /"" is no name for a model/);
      expect(readdirSync(parent)).toEqual([]);
    });
  });
});
