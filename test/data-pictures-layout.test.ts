import { describe, expect, test } from "vitest";
import { layOut, pictureName } from "../trainer/data/pictures/layout.ts";

describe("the layout", () => {
  const classesOf = (...names: string[]) => layOut(names).classes;
  const partsOf = (...names: string[]) => layOut(names).pictures.map(({ name, part }) => `${part} ${name}`);

  test("a subfolder is a class, what lies deeper belongs to it, and labels go by sorted names", () => {
    const names = ["dog/a.png", "cat/x/y/b.png", "cat/a.png"];
    expect(layOut(names)).toEqual({
      classes: ["cat", "dog"],
      pictures: [
        { name: "cat/a.png", part: "train", label: 0 },
        { name: "cat/x/y/b.png", part: "train", label: 0 },
        { name: "dog/a.png", part: "train", label: 1 },
      ],
    });
    expect(layOut([...names].reverse())).toEqual(layOut(names));
  });

  test("no classes: a flat folder, one folder only, or pictures beside the folders", () => {
    expect(classesOf("a.png", "b.png")).toBeNull();
    expect(classesOf("cat/a.png", "cat/b.png")).toBeNull();
    expect(classesOf("a.png", "cat/a.png", "dog/a.png")).toBeNull();
    expect(classesOf("train/a.png", "test/a.png")).toBeNull();
  });

  test("train, validation and test folders are the parts", () => {
    expect(
      partsOf("Train/cat/a.png", "train/dog/a.png", "val/cat/a.png", "test/cat/a.png", "valid/dog/b.png"),
    ).toEqual([
      "train Train/cat/a.png",
      "train train/dog/a.png",
      "heldOut val/cat/a.png",
      "heldOut valid/dog/b.png",
      "test test/cat/a.png",
    ]);
    expect(classesOf("train/cat/a.png", "train/dog/a.png", "test/eel/a.png")).toEqual(["cat", "dog", "eel"]);
  });

  test("but not beside other folders, or without one to train on", () => {
    expect(classesOf("train/a.png", "test/a.png", "other/a.png")).toEqual(["other", "test", "train"]);
    expect(classesOf("val/a.png", "test/a.png")).toEqual(["test", "val"]);
  });

  test("folders that everything lies in are no classes", () => {
    expect(classesOf("x/y/cat/a.png", "x/y/dog/a.png")).toEqual(["cat", "dog"]);
    expect(partsOf("x/test/cat/a.png", "x/train/cat/a.png")).toEqual([
      "train x/train/cat/a.png",
      "test x/test/cat/a.png",
    ]);
    expect(classesOf("train/cat/a.png", "train/dog/a.png")).toEqual(["cat", "dog"]);
  });

  test("names of pictures", () => {
    expect(["a.png", "./b/C.JPG", "/d.jpeg", "e//f.webp"].map(pictureName)).toEqual([
      "a.png",
      "b/C.JPG",
      "d.jpeg",
      "e/f.webp",
    ]);
    for (const name of ["a.txt", "png", "a.png/", "a.png.zip", "._a.png", "__MACOSX/._a.png", ".git/a.png"]) {
      expect(pictureName(name === "a.png/" ? "a.png/b" : name)).toBeNull();
    }
    for (const name of ["../a.png", "x/../../a.png", "/../etc/a.png"]) expect(pictureName(name)).toBeNull();
  });
});
