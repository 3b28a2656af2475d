/** Compiles every kernels/*.as.ts to kernels/build/*.wasm. Run by `npm run build`, which `npm ci` calls. */

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const folder = fileURLToPath(new URL(".", import.meta.url));

for (const source of readdirSync(folder).filter((file) => file.endsWith(".as.ts"))) {
  const output = `build/${source.replace(".as.ts", ".wasm")}`;
  const { error, stderr } = await asc.main(
    [
      source,
      ...["--outFile", output],
      ...["--baseDir", folder],
      ...["--runtime", "stub"],
      ...["--enable", "simd"],
      ...["-O3", "--importMemory", "--noAssert"],
    ],
    {},
  );
  if (error) {
    console.error(`${source}: ${error.message}\n${stderr.toString()}`);
    process.exit(1);
  }
  console.log(`kernels/${output}`);
}
