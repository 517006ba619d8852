// The picture and the programs that both sides get.
import type { RgbImage } from "../../src/core/image.ts";
import { randomStream } from "../../src/core/random.ts";

export const PRINT = "print(1)";
export const LOOK =
  "import matplotlib.pyplot as plt\n" +
  "plt.imshow(image_clue_0.crop((600, 400, 1400, 1000)))\nplt.axis('off')\nplt.show()";
export const STATISTICS =
  "import numpy as np\npixels = np.asarray(image_clue_0)\nprint(pixels.mean(), pixels.std())";
export const ERROR = "1 / 0";
export const DECODE = "_ = image_clue_0.load()";
export const EXIT = "import os\nos._exit(3)";
export const SEGFAULT = "import ctypes\nctypes.string_at(0)";

/** A thread that goes on computing when the call is over, for so long. */
export const spin = (seconds: number): string =>
  "import threading, time\n" +
  `until = time.monotonic() + ${seconds}\n` +
  "def spin():\n    while time.monotonic() < until: pass\n" +
  "threading.Thread(target=spin, daemon=True).start()";

/** Like a photo to a PNG coder: smooth areas under noise of 3 grey levels' standard deviation. 2048 x 1536. */
export function photo(): RgbImage {
  const [width, height] = [2048, 1536];
  const random = randomStream("bench", "photo");
  const noise = Float64Array.from({ length: 65_521 }, () => 3 * random.normal()); // a prime: rows never line up
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let channel = 0; channel < 3; channel++, at++) {
        const smooth = 128 + 60 * Math.sin(x / 190 + channel) + 50 * Math.cos(y / 140 - channel);
        // A new place in the noise for every pixel of a row, another one for every row.
        const level = smooth + (noise[(at * 7 + y * 40_503) % noise.length] ?? 0);
        data[at] = Math.max(0, Math.min(255, Math.round(level)));
      }
  return { width, height, data };
}
