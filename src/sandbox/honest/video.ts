// Programs about a video, and the video: 20 frames of 64 x 48 at 10 per second, frame n grey of level 10n + 20.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { py } from "../attacks/attack.ts";
import { type HonestProgram, program } from "./program.ts";

const MAKE = py`
  import sys, av, numpy as np
  with av.open(sys.argv[1], "w") as out:
      stream = out.add_stream("libx264", rate=10, options={"bf": "2"})
      stream.width, stream.height, stream.pix_fmt, stream.gop_size, stream.thread_count = 64, 48, "yuv420p", 5, 1
      for n in range(20):
          out.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), 10 * n + 20, np.uint8), format="rgb24")))
      out.mux(stream.encode(None))
`;

/** Writes the video; takes the project's interpreter, which has PyAV. */
export function makeVideo(path: string): void {
  execFileSync(fileURLToPath(new URL("../../../.venv/bin/python", import.meta.url)), ["-c", MAKE, path]);
}

const aboutVideo = (...definition: Parameters<typeof program>): HonestProgram => ({
  ...program(...definition),
  video: true,
});

export const VIDEO: readonly HonestProgram[] = [
  aboutVideo(
    "frames of a video side by side",
    [
      py`
        vr = video_clue_0
        frames = vr.get_batch([0, 5, 19]).asnumpy()
        print(len(vr), vr.get_avg_fps(), frames.shape, frames.dtype, [round(f.mean() / 10) for f in frames])
        fig, axes = plt.subplots(1, 3, figsize=(6, 2))
        for ax, frame in zip(axes, frames): ax.imshow(frame); ax.axis('off')
        plt.show()
      `,
      "20 10.0 (3, 48, 64, 3) uint8 [2, 7, 21]\n",
      "600x200",
    ],
    [
      "last = Image.fromarray(vr[len(vr) - 1].asnumpy())\nprint(last.size)\nlast.show()",
      "(64, 48)\n",
      "64x48",
    ],
  ),
  aboutVideo("brightness over time", [
    py`
      levels = np.array([video_clue_0[i].asnumpy().mean() for i in range(0, len(video_clue_0), 4)])
      times = np.arange(0, len(video_clue_0), 4) / video_clue_0.get_avg_fps()
      print(np.round(np.diff(levels) / 10).tolist(), times.tolist(), bool((np.diff(levels) > 0).all()))
    `,
    "[4.0, 4.0, 4.0, 4.0] [0.0, 0.4, 0.8, 1.2, 1.6] True\n",
  ]),
];
