/** In a process of its own: whether Dawn finds an adapter, and one that is worth it. */

import { reportAvailability } from "../probe-process.ts";
import { isSoftware, requestAdapter } from "./dawn.ts";

const adapter = await requestAdapter();
if (adapter) {
  reportAvailability(
    isSoftware(adapter) ? { works: true, notForAuto: "a GPU in software" } : { works: true },
  );
} else {
  reportAvailability({
    works: false,
    reason: "no adapter",
    remedy:
      process.platform === "linux"
        ? "`apt-get install libvulkan1 mesa-vulkan-drivers`, or NVIDIA's own driver"
        : "install the graphics card's driver",
  });
}
