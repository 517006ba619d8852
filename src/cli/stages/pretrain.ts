// `pretrain`: a new model of `model.architecture`, its tokenizer trained on the world's texts, and its eye trained on
// short densely supervised sequences.
import { loadTemplate } from "../../agent/template.ts";
import { datumFromSegments, type Datum } from "../../core/datum.ts";
import { ConfigError } from "../../core/errors.ts";
import { randomStream } from "../../core/random.ts";
import type { Reporter } from "../../core/reporter.ts";
import { EmbeddedEngine } from "../../engines/embedded/embeddedEngine.ts";
import { trainTokenizer } from "../../models/qwen2_5_vl/bpeTrainer.ts";
import type { Qwen25VLConfig } from "../../models/qwen2_5_vl/config.ts";
import type { Tokenizer } from "../../models/qwen2_5_vl/tokenizer.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import type { RunDirectory } from "../../runs/runDirectory.ts";
import { openLife, type StageContext } from "./runLife.ts";
import { runSupervised } from "./supervised.ts";
import { taskWorldOf } from "./taskWorld.ts";
import { ownEngine } from "./trainingEngine.ts";

/** Episodes whose texts train the tokenizer. */
const CORPUS_EPISODES = 2000;

/** Trains a base checkpoint. @returns its folder. */
export async function runPretrain(
  config: ResolvedConfig,
  run: RunDirectory,
  reporter: Reporter,
  { stop }: StageContext = {},
): Promise<string> {
  const { threads } = ownEngine(config, "pretrain");
  const { architecture, processor: limits } = config.model;
  if (architecture === undefined)
    throw new ConfigError(
      "model.architecture: pretrain needs the shape of the new model; see configs/image-mini.yaml",
    );
  if (limits === undefined)
    throw new ConfigError(
      "model.processor: pretrain needs the pixel limits of the new model; see configs/image-mini.yaml",
    );
  const template = loadTemplate(config.agent.template);
  const world = taskWorldOf(config);
  const life = await openLife<undefined>({
    ...{ stage: "pretrain", run, reporter, stop },
    cadence: config.pretrain,
  });
  const begin = async (): Promise<EmbeddedEngine> => {
    reporter.info(`training a tokenizer of at most ${architecture.vocabSize} tokens`);
    const tokenizer = trainTokenizer(world.corpus(template, CORPUS_EPISODES), architecture.vocabSize);
    const files = { config: modelConfig(architecture, tokenizer), tokenizer, limits };
    return EmbeddedEngine.initialise(files, randomStream(config.seed, "weights"), { threads });
  };
  const engine = await (life.from === undefined
    ? begin()
    : EmbeddedEngine.load(life.from.dir, { threads, limits }));
  const { vocabSize } = engine.files.tokenizer;
  if (life.from === undefined)
    reporter.info(`new model: ${engine.parameterCount.toLocaleString("en")} parameters, ${vocabSize} tokens`);
  const first = (life.from?.step ?? 0) * config.pretrain.batchSize;
  function* data(): Generator<Datum> {
    for (let i = first; ; i++) {
      const random = randomStream(config.seed, "pretrain", i);
      const segments = world.pretrainSegments(template, engine.codec, random);
      yield datumFromSegments(segments, 0, engine.codec.imagePadId);
    }
  }
  try {
    if (life.from !== undefined) await engine.loadState(life.from.dir);
    const { dir, tracked } = await runSupervised({
      stage: "pretrain",
      config,
      engine,
      data: data(),
      save: (dir) => engine.saveWeights(dir),
      options: config.pretrain,
      run,
      reporter,
      life,
      state: () => undefined,
    });
    run.writeSummary({
      stage: "pretrain",
      name: run.name,
      seed: config.seed,
      steps: config.pretrain.steps,
      parameters: engine.parameterCount,
      vocabulary: vocabSize,
      lastLoss: run.readMetrics().at(-1)?.["train/loss"],
      resumed: life.resumed,
      ...tracked,
    });
    await life.close();
    return dir;
  } finally {
    await engine.dispose();
  }
}

type Architecture = NonNullable<ResolvedConfig["model"]["architecture"]>;

function modelConfig(a: Architecture, tokenizer: Tokenizer): Qwen25VLConfig {
  const half = a.hiddenSize / a.heads / 2;
  const spatial = Math.floor((half * 3) / 8); // the proportions of Qwen2.5-VL's own split of 64: 16, 24, 24
  const [t, h, w] = a.mropeSection ?? [half - 2 * spatial, spatial, spatial];
  return {
    vocabSize: tokenizer.vocabSize,
    hiddenSize: a.hiddenSize,
    numHiddenLayers: a.layers,
    numAttentionHeads: a.heads,
    numKeyValueHeads: a.kvHeads,
    intermediateSize: a.intermediateSize,
    rmsNormEps: 1e-6,
    ropeTheta: a.ropeTheta,
    mropeSection: [t, h, w],
    tieWordEmbeddings: true,
    maxPositionEmbeddings: 32_768,
    imageTokenId: tokenizer.idOf("<|image_pad|>"),
    videoTokenId: tokenizer.idOf("<|video_pad|>"),
    visionStartTokenId: tokenizer.idOf("<|vision_start|>"),
    visionEndTokenId: tokenizer.idOf("<|vision_end|>"),
    bosTokenId: tokenizer.idOf("<|endoftext|>"),
    eosTokenId: tokenizer.idOf("<|im_end|>"),
    padTokenId: tokenizer.idOf("<|endoftext|>"),
    vision: {
      depth: a.vision.depth,
      hiddenSize: a.vision.hiddenSize,
      numHeads: a.vision.heads,
      intermediateSize: a.vision.intermediateSize,
      patchSize: 14,
      spatialMergeSize: 2,
      temporalPatchSize: 2,
      windowSize: a.vision.windowSize,
      fullAttentionBlocks: a.vision.fullAttentionBlocks,
      outHiddenSize: a.hiddenSize,
      inChannels: 3,
    },
  };
}
