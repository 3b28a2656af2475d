// Trains a model of data of your own: node train.js
import { proceduralSource, resolveConfig, train } from "imle-edge/trainer";

const spiral = proceduralSource("spiral", {
  kind: "vector",
  shape: [2],
  labelNames: null,
  modes: null,
  draw(random, _label, row) {
    const angle = 9 * random.uniform();
    row.set([angle * Math.cos(angle), angle * Math.sin(angle)]);
  },
});

const config = resolveConfig({
  generator: { latentSize: 2, hidden: [128, 128] },
  objective: { poolSize: 2_000, subsetSize: 1_000 },
  budget: { steps: 1_000 },
});
await train({ config, dataset: spiral.create(config.seed), out: "models/spiral" });
console.log("models/spiral is ready: npm run serve -- models/spiral");
