import type { Manifest } from "../../shared/manifest.ts";

/** What whoever can read a bundle, or reach a server of it, can have of the training data: one line. */
export function madePublic({ neighbours, output }: Pick<Manifest, "neighbours" | "output">): string {
  if (!neighbours) return "It holds no training example, and so there is no memorisation check.";
  const count = neighbours.rowCount.toLocaleString("en");
  const where = output.kind === "image" ? "`/train/N.png`" : "the answers of `/nearest`";
  return (
    `All ${count} training examples: whoever can read the bundle has them in \`train.*.bin\`, and whoever can reach ` +
    `a server of it in ${where}. Export with \`--set export.trainingRows=false\` to leave them out.`
  );
}
