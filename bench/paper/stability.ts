import { createRandom } from "../../shared/random.ts";
import type { Dataset } from "../../trainer/data/dataset.ts";
import { affineSpace } from "../../trainer/data/model-space.ts";
import { dotPlot } from "./dot-plot.ts";
import { type Experiment, over, type PaperContext, type PaperRow, single } from "./experiment.ts";
import { countModes, modeValues } from "./mode-runs.ts";
import { trainModel } from "./models.ts";

/** How far data and model are apart, in the data's standard deviations. */
const GAPS = [1, 4, 16, 64];
const GAP_STEPS = 400;
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const RATES = [1e-4, 5e-4, 2e-3, 8e-3];
const STEPS = 3000;
const SAMPLES = 2500;

/** A discriminator that tells all samples gives no gradient, and a game need not settle. IMLE has neither. */
export const stability: Experiment = {
  id: "d",
  name: "stability",
  title: "IMLE's gradients do not vanish, and its training is stable",
  needs: [],
  async run(context) {
    const rows: PaperRow[] = [];
    for (const gap of GAPS) rows.push(await farApart(context, gap));
    const trained = await onRing(context);
    return {
      rows: [...rows, ...trained],
      figures: { modes: dotPlot(trained, ["modes", "within 3σ, %", "last loss"]) },
    };
  },
};

/**
 * The generator's samples begin around 0, the data lie `gap` away: how far each training brings their mean. IMLE moves
 * those that examples pick, and they may be few.
 */
async function farApart(context: PaperContext, gap: number): Promise<PaperRow> {
  const run = (objective: string, set: readonly string[]) => {
    const request = { preset: "ring", objective, set, steps: GAP_STEPS, seed: 1 };
    return context.unit(`gap-${objective}`, { ...request, gap }, async () => {
      context.report(`d: ${objective}, data ${gap} away`);
      // The data's own space would bring them to mean 0.
      const model = await trainModel(context, awayBy(gap), request, { space: UNCHANGED });
      const samples = await model.sample(SAMPLES);
      await model.dispose();
      const mean = samples.reduce((sum, value, i) => sum + (i % 2 === 0 ? value : 0), 0) / SAMPLES;
      const [first, last] = [model.course[0]!, model.course.at(-1)!];
      return {
        left: Math.abs(mean - gap),
        first: first.figures["gradientNorm"],
        last: last.figures["gradientNorm"],
      };
    });
  };
  const slow = "optimiser.learningRate=0.0005";
  const gan = await run("gan", [slow, "optimiser.beta1=0.5"]);
  const imle = await run("imle", [slow, "objective.recordsGradient=true"]);
  const rsImle = await run("rs-imle", [slow, "objective.recordsGradient=true"]);
  const models = { GAN: gan, IMLE: imle, "RS-IMLE": rsImle };
  const values = Object.entries(models).flatMap(([name, { first, last, left }]) => [
    [`${name}: first gradient`, first === undefined ? null : single(first)] as const,
    [`${name}: last gradient`, last === undefined ? null : single(last)] as const,
    [`${name}: left of the way`, single(left / gap)] as const,
  ]);
  return {
    name: `gap-${gap}`,
    label: `data ${gap} away, ${GAP_STEPS} steps`,
    values: Object.fromEntries(values),
  };
}

const UNCHANGED = affineSpace({ shift: new Float64Array(2), scale: new Float64Array(2).fill(1) });

/** N((gap, 0), I). */
function awayBy(gap: number): Dataset {
  const random = createRandom(1).fork("far apart");
  const part = (count: number) => ({
    count,
    length: 2,
    values: random.fillNormal(new Float32Array(2 * count)).map((value, i) => value + (i % 2 === 0 ? gap : 0)),
    labels: null,
  });
  return {
    name: `away-${gap}`,
    kind: "vector",
    shape: [2],
    labelNames: null,
    train: part(2000),
    heldOut: part(100),
    test: part(100),
    modes: null,
  };
}

async function onRing(context: PaperContext): Promise<PaperRow[]> {
  const objectives = { gan: "GAN", imle: "IMLE", "rs-imle": "RS-IMLE" };
  const trained = Object.entries(objectives).flatMap(([objective, label]) =>
    RATES.map((rate) => ({ objective, label, rate })),
  );
  const variants = trained.map(({ objective, rate }) => {
    const set = [`optimiser.learningRate=${rate}`, ...(objective === "gan" ? ["optimiser.beta1=0.5"] : [])];
    const request = { preset: "ring", objective, set, steps: STEPS } as const;
    return { unit: `ring-${objective}`, label: `d: ring, ${objective}, rate ${rate}`, request };
  });
  const counted = await countModes(context, variants, SEEDS);
  return trained.map(({ objective, label, rate }, i) => ({
    name: `ring-${objective}-${rate}`,
    label: `${label}, rate ${rate}`,
    values: { ...modeValues(counted[i]!), "last loss": over(counted[i]!.map(({ loss }) => loss)) },
  }));
}
