// Trains a model of data of your own: node train.js
import { proceduralSource, resolveConfig, train } from "imle-edge/trainer";

const spiral = proceduralSource("spiral", {
  kind: "vector",
  shape: [2],
  labelNames: null,
  modes: null,
  draw(random, _label, row) {
    const angle = 9 * random.uniform();
    const near = (value) => value + 0.3 * random.normal();
    row.set([near(angle * Math.cos(angle)), near(angle * Math.sin(angle))]);
  },
});

const config = resolveConfig("ring", { budget: { steps: 2_000 } });
await train({ config, dataset: spiral.create(config.seed), out: "models/spiral" });
console.log("models/spiral is ready: npm run serve -- models/spiral");
