// What a prompt says and shows of a video. A session of the tool runtime opens the file and decodes it, since a file that
// comes from anywhere is not for the trainer's own process; frames come back as the figures of a program, pixel for pixel.
import { basename } from "node:path";
import { z } from "zod";
import { DataError, SandboxError } from "../../core/errors.ts";
import type { RgbImage } from "../../core/image.ts";
import type { Task } from "../../core/task.ts";
import type { ToolResult, ViewImage } from "../../core/trajectory.ts";
import type { Codec } from "../../engines/engine.ts";
import type { PythonRuntime, PythonSession } from "../../sandbox/runtime.ts";
import { imageKey } from "../novelty.ts";
import { cutAtSlots, fillSlots, type PromptTemplate } from "../template.ts";

const factsSchema = z.object({
  frames: z.int().min(1),
  fps: z.number().min(0),
  seconds: z.number().min(0),
  width: z.int().min(1),
  height: z.int().min(1),
});

/** `fps` is the average; `seconds` the end of the last frame; sizes are in pixels, upright. */
export type VideoFacts = Readonly<z.infer<typeof factsSchema>>;

export interface ShownFrame {
  readonly index: number;
  /** When the frame is shown, from the beginning of the file. */
  readonly seconds: number;
  readonly view: ViewImage;
}

const FACTS = `
import json
v = video_clue_0
height, width = v[0].shape[:2]
seconds = float(v.get_frame_timestamp(len(v) - 1)[1])
print(json.dumps(dict(frames=len(v), fps=float(v.get_avg_fps()), seconds=seconds, width=width, height=height)))`;

/** \`numpy.linspace\` over all frames, first and last included, rounded (halves to even); all of a shorter video. */
const PICK = (count: number): string => `
import json
v = video_clue_0
picked = np.linspace(0, len(v) - 1, min(${count}, len(v))).round().astype(int).tolist()
height, width = v[0].shape[:2]
print(json.dumps([picked, v.get_frame_timestamp(picked)[:, 0].tolist(), height * width]))`;

const pickSchema = z.tuple([z.array(z.int()), z.array(z.number()), z.number().min(1)]);

/** Pixels of the frames that one call brings: a large frame comes alone, small ones many at a time. */
const PIXELS_A_CALL = 1_000_000;

/** The task's videos. @throws DataError when it has images too: no strategy shows both. */
export function videosOf(task: Task): readonly string[] {
  if (task.images.length > 0)
    throw new DataError(
      `task ${task.id}: has ${task.images.length} images and ${task.videos?.length ?? 0} videos; give it one kind of media`,
    );
  return task.videos ?? [];
}

/** Opens a session on one video and closes it. @throws DataError for a file that is no video, SandboxError */
export async function openVideo<T>(
  runtime: PythonRuntime,
  path: string,
  use: (video: OpenVideo) => Promise<T>,
): Promise<T> {
  const session = await runtime.open({ images: [], videos: [path] });
  try {
    return await use(new OpenVideo(session, basename(path)));
  } finally {
    await session.close();
  }
}

export class OpenVideo {
  constructor(
    private readonly session: PythonSession,
    private readonly name: string,
  ) {}

  async facts(): Promise<VideoFacts> {
    return factsSchema.parse(JSON.parse((await this.run(FACTS)).stdout));
  }

  /** At most `count` frames at uniform distances. Each call's are viewed as they come, so that few are held in full. */
  async uniformFrames(count: number, view: (image: RgbImage) => ViewImage): Promise<ShownFrame[]> {
    const [indices, times, pixels] = pickSchema.parse(JSON.parse((await this.run(PICK(count))).stdout));
    const together = Math.max(1, Math.floor(PIXELS_A_CALL / pixels));
    const frames: ShownFrame[] = [];
    // What a call shows less than it was asked for is over the limit on figures: the next call goes on from there.
    while (frames.length < indices.length) {
      const wanted = indices.slice(frames.length, frames.length + together);
      const { figures, stdout } = await this.run(
        `for i in ${JSON.stringify(wanted)}: Image.fromarray(v[i].asnumpy()).show()`,
      );
      if (figures.length === 0)
        throw new DataError(`video ${this.name}: frame ${wanted[0]} cannot be shown (${stdout.trim()})`);
      for (const image of figures) {
        const i = frames.length;
        frames.push({ index: indices[i] as number, seconds: times[i] ?? 0, view: view(image) });
      }
    }
    return frames;
  }

  private async run(code: string): Promise<ToolResult> {
    const result = await this.session.run(code);
    const { outcome } = result;
    if (outcome.type === "ok") return result;
    if (outcome.type === "pythonError")
      throw new DataError(`video ${this.name}: ${outcome.message.replace(/^video_clue_0: /, "")}`);
    throw new SandboxError(`video ${this.name}: could not be decoded (${outcome.type})`);
  }
}

/**
 * One view for frames of equal pixels, however many: the engine sends a picture that comes again through the vision tower
 * once. `views` is by `imageKey`.
 */
export function shareView(
  views: Map<string, ViewImage>,
  image: RgbImage,
  codec: Pick<Codec, "viewImage">,
): ViewImage {
  const key = imageKey(image);
  const view = views.get(key) ?? codec.viewImage(image);
  views.set(key, view);
  return view;
}

const FACT_SLOTS = ["frames", "fps", "seconds", "width", "height"];

/** Whether the line for a video names anything that takes opening it. */
export function needsFacts(line: string): boolean {
  return cutAtSlots(line, FACT_SLOTS).some((piece) => piece.type === "slot");
}

/** Values of the slots of the line for video `i`. */
export function videoValues(
  template: PromptTemplate,
  i: number,
  facts: VideoFacts | undefined,
): Record<string, string | number> {
  const label = fillSlots(template.videoLabel, { i });
  if (facts === undefined) return { label };
  const { frames, fps, seconds, width, height } = facts;
  return { label, frames, fps: Number(fps.toFixed(2)), seconds: Number(seconds.toFixed(1)), width, height };
}
