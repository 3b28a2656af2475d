// Draws people that don't exist, and says of each whether they are a copy of somebody in the table.
import { createEdge, folderStorage } from "imle-edge/edge";

const edge = createEdge({ storage: await folderStorage(["models/people"]) });
const answer = await edge(new Request("http://localhost/sample?n=5&seed=7&check=1"));
const { samples } = await answer.json();
for (const { vector, check } of samples) {
  const [height, weight, age, pulse] = vector.map((value) => Math.round(value));
  console.log(`${height} cm, ${weight} kg, ${age} years, pulse ${pulse}: ${check.verdict}`);
}
