// Writes a table of made-up people: weight depends on height, resting pulse on age.
import { writeFile } from "node:fs/promises";
import { createRandom } from "imle-edge/trainer";

const random = createRandom(1);
const rows = Array.from({ length: 3_000 }, () => {
  const height = 170 + 10 * random.normal();
  const weight = 22 * (height / 100) ** 2 + 6 * random.normal();
  const age = 18 + 60 * random.uniform();
  const pulse = 60 + 0.2 * age + 5 * random.normal();
  return [height, weight, age, pulse].map((value) => value.toFixed(1)).join();
});
await writeFile("people.csv", `${["height,weight,age,pulse", ...rows].join("\n")}\n`);
