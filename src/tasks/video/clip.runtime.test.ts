// Every kind of task held against the decoded file in the real tool: an independent reading of all frames gives the answer,
// and the teacher's programs run, bring what the script expects and end in the answer.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { byteCodec } from "../../agent/scriptedFakes.ts";
import { strategyFor } from "../../agent/context/choose.ts";
import { runEpisode } from "../../agent/episode.ts";
import { extractBoxed, parseTurn } from "../../agent/parser.ts";
import { loadTemplate } from "../../agent/template.ts";
import type { RgbImage } from "../../core/image.ts";
import { randomStream } from "../../core/random.ts";
import type { Segment } from "../../core/trajectory.ts";
import type { PythonSession } from "../../sandbox/runtime.ts";
import { printed, runtimeForTests } from "../../sandbox/testRuntime.ts";
import { renderSecond } from "./frames.ts";
import { uniformPrompt } from "./prompts.ts";
import { expectedResult, videoScript } from "./script.ts";
import { VideoTeacher } from "./teacher.ts";
import { uniformFrames } from "./uniform.ts";
import { VIDEO_KINDS } from "./vocabulary.ts";
import { createVideoWorld } from "./videoWorld.ts";
import type { VideoTask } from "./videoWorld.ts";

const folder = mkdtempSync(join(tmpdir(), "clips-"));
after(() => rmSync(folder, { recursive: true }));
const template = loadTemplate("mini");
/** As configs/video-mini.yaml sets figures: 84x84 px, nothing but the picture. */
const FIGURES = {
  "figure.figsize": [0.84, 0.84],
  "figure.dpi": 100,
  "figure.subplot.left": 0,
  "figure.subplot.right": 1,
  "figure.subplot.bottom": 0,
  "figure.subplot.top": 1,
  "axes.spines.left": false,
  "axes.spines.right": false,
  "axes.spines.bottom": false,
  "axes.spines.top": false,
  "xtick.bottom": false,
  "xtick.labelbottom": false,
  "ytick.left": false,
  "ytick.labelleft": false,
} as const;
const runtime = await runtimeForTests({ matplotlibRc: FIGURES });

/** Frame by frame: the runs of frames in which pixels stand out from the grey in all channels, with their colour and middle. */
const READ_ALL = `
runs = []
all_frames = video_clue_0.get_batch(range(len(video_clue_0))).asnumpy()
for n in np.flatnonzero(((all_frames > 178) | (all_frames < 78)).all(3).sum((1, 2)) >= 100):
    f = all_frames[n].astype(int) - 128
    out = (abs(f) > 50).all(2)
    y, x = np.argwhere(out).mean(0)
    key = ''.join('+' if c > 0 else '-' for c in np.median(f[out], axis=0)), 'bottom' if y > 41.5 else 'top', 'right' if x > 41.5 else 'left'
    if runs and runs[-1][1] == n - 1 and runs[-1][2:] == key: runs[-1] = (runs[-1][0], n, *key)
    else: runs.append((n, n, *key))
for run in runs: print(*run)`;
const COLOUR_OF: Readonly<Record<string, string>> = { "+--": "red", "-+-": "green", "--+": "blue", "++-": "yellow", "+++": "white", "---": "black" }; // prettier-ignore

/** The answer to the question's words, from the decoded frames alone. */
async function answerFromFrames(session: PythonSession, question: string): Promise<string> {
  const discs = (await printed(session, READ_ALL))
    .trim()
    .split("\n")
    .map((line) => {
      const [first, last, signs, row, column] = line.split(" ");
      assert.equal(Number(last) - Number(first), 3, "a disc is there for 4 frames");
      return { second: Number(first) / 4, colour: COLOUR_OF[signs ?? ""] ?? "?", place: `${row} ${column}` };
    });
  const match = (pattern: RegExp): readonly string[] | undefined => pattern.exec(question)?.slice(1);
  const only = <T>(found: readonly T[]): T => {
    assert.equal(found.length, 1, question);
    return found[0] as T;
  };
  const at = match(/^What colour is the disc at second (\d\d)\?$/);
  if (at) return only(discs.filter((disc) => disc.second === Number(at[0]))).colour;
  const window = match(/^What colour is the disc between second (\d\d) and (\d\d)\?$/);
  if (window)
    return only(discs.filter((d) => d.second >= Number(window[0]) && d.second <= Number(window[1]))).colour;
  const when = match(/^At which second does the (\w+) disc show up\?$/);
  if (when) return String(only(discs.filter((disc) => disc.colour === when[0])).second);
  const order = match(/^Which disc is first, (\w+) or (\w+)\?$/);
  if (order) {
    const [a, b] = order.map((colour) => only(discs.filter((disc) => disc.colour === colour)));
    return (a?.second ?? 0) < (b?.second ?? 0) ? (order[0] as string) : (order[1] as string);
  }
  if (question === "How many discs show up?") return String(discs.length);
  assert.equal(question, "Where does the disc go?");
  assert.equal(new Set(discs.map((disc) => disc.colour)).size, 1);
  return discs.at(-1)?.place ?? "?";
}

/** Plays the teacher's cells in the session and returns its answer. */
async function play(session: PythonSession, task: VideoTask, seed: number): Promise<string | undefined> {
  const spoiled = seed % 2 === 0 ? { wrongPlace: 0, pythonError: 0 } : { wrongPlace: 0.5, pythonError: 0.5 };
  const order = seed % 3 === 0 ? "random" : "reading";
  let calls = 0;
  for (const { text, expects } of videoScript(task.clip, randomStream("play", seed), {
    ...spoiled,
    order,
    giveUp: 0,
  })) {
    const action = parseTurn(text, template);
    if (expects === undefined) return extractBoxed(text);
    assert.equal(action.type, "code", text);
    if (action.type !== "code") return undefined;
    assert.ok(++calls <= 4);
    const result = await session.run(action.code);
    const wanted = expectedResult(task.clip, expects);
    assert.equal(result.stdout, wanted.stdout, text);
    assert.equal(result.outcome.type, wanted.outcome.type, text);
    if (result.outcome.type === "pythonError" && wanted.outcome.type === "pythonError")
      assert.equal(result.outcome.message, wanted.outcome.message);
    assert.equal(result.figures.length, wanted.figures.length, text);
    wanted.figures.forEach((figure, i) => assertAlike(result.figures[i] as RgbImage, figure));
  }
  return undefined;
}

/** The figure is the drawn frame but for what JPEG loses: the ground's noise, and edges. */
function assertAlike(figure: RgbImage, drawn: RgbImage): void {
  assert.deepEqual([figure.width, figure.height], [84, 84]);
  let sum = 0;
  let far = 0;
  drawn.data.forEach((value, i) => {
    const difference = Math.abs(value - (figure.data[i] as number));
    sum += difference;
    if (difference > 40) far++;
  });
  assert.ok(
    sum / drawn.data.length < 6 && far < 60,
    `mean ${sum / drawn.data.length}, ${far} beyond 40 levels`,
  );
}

for (const kind of VIDEO_KINDS)
  test(`${kind}: 50 clips read frame by frame give the answer, and so do the teacher's programs`, async () => {
    const world = createVideoWorld({ seed: 5, split: "train", folder, weights: { [kind]: 1 } });
    await Promise.all(
      [0, 1].map(async (lane) => {
        for (let i = lane; i < 50; i += 2) {
          const task = world.at(i);
          const session = await runtime.open({ images: [], videos: task.videos });
          try {
            assert.equal(await play(session, task, i), task.answer, `${task.id}: the teacher`);
            assert.equal(
              await answerFromFrames(session, task.question),
              task.answer,
              `${task.id}: the frames`,
            );
          } finally {
            await session.close();
          }
        }
      }),
    );
  });

test("frame 0 is bare ground and seconds between discs equal it byte for byte", async () => {
  const { clip, videos } = createVideoWorld({ seed: 6, split: "train", folder }).at(0);
  const session = await runtime.open({ images: [], videos });
  const bare = await session.run("plt.imshow(video_clue_0[0])\nplt.show()");
  assertAlike(bare.figures[0] as RgbImage, renderSecond(clip, 0));
  const cell = "v=video_clue_0; [n//4 for n in range(len(v)) if (v[n]!=v[0]).any()][::4]";
  assert.equal(await printed(session, cell), `[${clip.showings.map((s) => s.second).join(", ")}]\n`);
  await session.close();
});

test("the prompt of uniform frames that pretraining writes is that of an episode, times included", async () => {
  const task = createVideoWorld({ seed: 7, split: "train", folder }).at(0);
  const { prompt } = await strategyFor(task, { type: "videoFrames", frames: 32, inRuntime: false }).prepare(
    task,
    { template, codec: byteCodec, runtime },
  );
  const frames = uniformFrames(task.clip.seconds * 4, 32).map((index) => ({
    index,
    image: renderSecond(task.clip, Math.floor(index / 4)),
  }));
  const written = uniformPrompt(task.question, frames, template, byteCodec);
  const texts = (segments: readonly Segment[]): unknown[] =>
    segments.map((segment) => (segment.type === "text" ? byteCodec.decode(segment.tokens) : segment.type));
  assert.deepEqual(texts(prompt), texts(written));
  assert.equal(texts(prompt).filter((text) => text === "image").length, 32);
});

test("through the agent's loop: the teacher answers every kind within 4 calls, 27 visual tokens and a small context", async () => {
  for (const kind of VIDEO_KINDS)
    for (let i = 0; i < 2; i++) {
      const task = createVideoWorld({ seed: 8, split: "test", folder, weights: { [kind]: 1 } }).at(i);
      const trajectory = await runEpisode({
        task,
        member: 0,
        template,
        codec: byteCodec,
        sampler: new VideoTeacher({
          codec: byteCodec,
          scriptOf: () =>
            videoScript(task.clip, randomStream(kind, i), { giveUp: 0, pythonError: 0, wrongPlace: 0 }),
        }),
        runtime,
        limits: { maxTurns: 5, maxTurnTokens: 200, maxContextTokens: 2000, maxImages: 4 },
        errorPolicy: "show",
        sampling: { temperature: 1, topP: 1, topK: 0 },
        random: randomStream("loop"),
        sequenceId: `${kind}${i}`,
      });
      assert.deepEqual([trajectory.endReason, trajectory.answer], [{ type: "answered" }, task.answer], kind);
      const visual = trajectory.segments.reduce(
        (n, s) => n + (s.type === "image" ? s.image.tokenCount : 0),
        0,
      );
      assert.ok(visual <= 27 && visual % 9 === 0, `${visual} visual tokens`);
    }
});
