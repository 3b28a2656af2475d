import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inParallel } from "../trainer/data/pictures/in-parallel.ts";

describe("in parallel", () => {
  test("every item once, never more than the limit at a time", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(30), fc.integer({ min: 1, max: 9 }), async (count, limit) => {
        const seen: number[] = [];
        let underWay = 0;
        let most = 0;
        await inParallel(Array(count).keys(), limit, async (item) => {
          most = Math.max(most, ++underWay);
          await new Promise(setImmediate);
          seen.push(item);
          underWay--;
        });
        expect(seen.sort((a, b) => a - b)).toEqual([...Array(count).keys()]);
        expect(most).toBe(Math.min(count, limit));
      }),
    );
  });

  test("a failure is thrown after what is under way, and ends the source", async () => {
    let isClosed = false;
    let underWay = 0;
    async function* source() {
      try {
        for (let i = 0; ; i++) yield i;
      } finally {
        isClosed = true;
      }
    }
    const work = inParallel(source(), 4, async (item) => {
      underWay++;
      await new Promise((resolve) => setTimeout(resolve, item === 2 ? 1 : 20));
      underWay--;
      if (item === 2) throw new Error("two");
    });
    await expect(work).rejects.toThrow("two");
    expect([isClosed, underWay]).toEqual([true, 0]);
  });
});
