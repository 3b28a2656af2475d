import { expect, test } from "vitest";
import { sharesOfClasses } from "../trainer/classifier/class-shares.ts";
import { measureClasses } from "../trainer/metrics/class-modes.ts";

const uniform = (count: number) => new Float64Array(count).fill(1 / count);

test("classes that are spread as the data's: all present, KL 0", () => {
  const classes = Uint16Array.from({ length: 400 }, (_, i) => i % 4);
  expect(measureClasses(classes, uniform(4))).toEqual({
    classesPresent: 4,
    classCount: 4,
    classKl: 0,
    scarcestClass: 1,
  });
});

test("one class alone of ten: KL log 10", () => {
  const found = measureClasses(new Uint16Array(50).fill(3), uniform(10));
  expect(found).toMatchObject({ classesPresent: 1, classCount: 10, scarcestClass: 0 });
  expect(found.classKl).toBeCloseTo(Math.log(10), 12);
});

test("two coins: KL Σ p log(p/q), and how scarce the scarcer side is", () => {
  const classes = Uint16Array.of(0, 0, 0, 1);
  const found = measureClasses(classes, Float64Array.of(0.4, 0.6));
  expect(found.classKl).toBeCloseTo(0.75 * Math.log(0.75 / 0.4) + 0.25 * Math.log(0.25 / 0.6), 12);
  expect(found.scarcestClass).toBeCloseTo(0.25 / 0.6, 12);
  expect([...sharesOfClasses(classes, 3)]).toEqual([0.75, 0.25, 0]);
});

test("a class that the data don't have is no class", () => {
  const found = measureClasses(Uint16Array.of(0, 2), Float64Array.of(0.5, 0, 0.5));
  expect(found).toEqual({ classesPresent: 2, classCount: 2, classKl: 0, scarcestClass: 1 });
});
