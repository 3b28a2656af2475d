/** In a process of its own: whether a package of TensorFlow's loads, and whether it sees a GPU if it is for one. */

import { reportAvailability } from "../probe-process.ts";
import { type TensorflowPackage, tensorflowBackend } from "./tensorflow.ts";

const name = process.argv[2] as TensorflowPackage;
try {
  const { device } = await tensorflowBackend(name);
  reportAvailability(
    device === "host" && name.endsWith("-gpu")
      ? { works: false, reason: "TensorFlow sees no GPU", remedy: "install CUDA 11.2 and cuDNN 8.1" }
      : { works: true },
  );
} catch (error) {
  const message = (error as Error).message;
  reportAvailability(
    message.includes("native addon")
      ? {
          works: false,
          reason: "its native addon is missing",
          remedy: `\`npm rebuild ${name} --build-addon-from-source\``,
        }
      : { works: false, reason: message.split("\n")[0]!, remedy: `\`npm install ${name}@4.22.0\`` },
  );
}
