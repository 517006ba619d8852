// A trajectory as JSON and back, without loss: token ids, the mask (which segments are sampled) and log-probabilities
// stay arrays; pictures become references that the caller resolves, since many trajectories show the same one.
import { z } from "zod";
import { DataError } from "../core/errors.ts";
import type { RgbImage } from "../core/image.ts";
import type { ScoredTrajectory, Segment, ToolResult, Trajectory, Turn } from "../core/trajectory.ts";
import { endReasonTypes } from "../learning/filters.ts";

const version = 1;
const numbers = z.array(z.number());
const source = z.enum(["prompt", "observation"]);

const segmentSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text"), source, tokens: numbers }),
  z.strictObject({
    type: z.literal("image"),
    source,
    image: z.string(),
    grid: z.tuple([z.int(), z.int(), z.int()]),
    tokenCount: z.int(),
  }),
  z.strictObject({
    type: z.literal("sampled"),
    tokens: numbers,
    logprobs: numbers,
    unfit: z.string().exactOptional(),
  }),
]);

const outcomeSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("ok") }),
  z.strictObject({
    type: z.literal("pythonError"),
    errorType: z.string(),
    message: z.string(),
    traceback: z.string(),
  }),
  z.strictObject({ type: z.literal("timeout"), limitMs: z.number() }),
  z.strictObject({ type: z.literal("outOfMemory") }),
  z.strictObject({ type: z.literal("outputLimit"), limitBytes: z.number() }),
  z.strictObject({ type: z.literal("killed"), reason: z.string() }),
  z.strictObject({ type: z.literal("forbidden"), reason: z.string() }),
]);

const turnSchema = z.strictObject({
  text: z.string(),
  action: z.discriminatedUnion("type", [
    z.strictObject({ type: z.literal("code"), code: z.string() }),
    z.strictObject({ type: z.literal("answer"), answer: z.string() }),
    z.strictObject({ type: z.literal("none"), reason: z.string() }),
  ]),
  tool: z
    .strictObject({
      outcome: outcomeSchema,
      alive: z.boolean(),
      stdout: z.string(),
      figures: z.array(z.string()),
      elapsedMs: z.number(),
    })
    .exactOptional(),
  tokenCount: z.int(),
  stop: z.enum(["stop", "length"]),
  served: z
    .strictObject({
      model: z.string(),
      promptTokens: z.int().exactOptional(),
      replyTokens: z.int().exactOptional(),
      visualTokens: z.int(),
      seconds: z.number(),
      attempts: z.int(),
    })
    .exactOptional(),
});

const endReasonSchema = z.union([
  z.strictObject({ type: z.enum(endReasonTypes).exclude(["sandboxFailure"]) }),
  z.strictObject({ type: z.literal("sandboxFailure"), message: z.string() }),
]);

const trajectorySchema = z.strictObject({
  version: z.literal(version),
  taskId: z.string(),
  taskKind: z.string(),
  question: z.string(),
  groundTruth: z.string(),
  member: z.int(),
  reward: z
    .strictObject({
      total: z.number(),
      accuracy: z.union([z.literal(0), z.literal(1)]).exactOptional(),
      toolCall: z.number(),
      score: z.number().min(0).max(1).exactOptional(),
    })
    .exactOptional(),
  endReason: endReasonSchema,
  firstLabel: z.int().min(1).exactOptional(),
  answer: z.string().exactOptional(),
  toolCalls: z.int(),
  effectiveToolCalls: z.int(),
  turns: z.array(turnSchema),
  segments: z.array(segmentSchema),
});

/** The stored form; image fields hold what `putImage` returned. */
export type TrajectoryJson = z.output<typeof trajectorySchema>;

/** `putImage` stores a picture (once, if it is the same) and returns its reference. */
export function trajectoryToJson(
  trajectory: Trajectory | ScoredTrajectory,
  putImage: (image: RgbImage) => string,
): TrajectoryJson {
  return {
    version,
    taskId: trajectory.taskId,
    taskKind: trajectory.taskKind,
    question: trajectory.question,
    groundTruth: trajectory.groundTruth,
    member: trajectory.member,
    ...("reward" in trajectory && { reward: rewardToJson(trajectory.reward) }),
    endReason: trajectory.endReason,
    ...(trajectory.firstLabel !== undefined && { firstLabel: trajectory.firstLabel }),
    ...(trajectory.answer !== undefined && { answer: trajectory.answer }),
    toolCalls: trajectory.toolCalls,
    effectiveToolCalls: trajectory.effectiveToolCalls,
    turns: trajectory.turns.map(({ tool, ...turn }) => ({
      ...turn,
      ...(tool !== undefined && { tool: { ...tool, figures: tool.figures.map(putImage) } }),
    })),
    segments: trajectory.segments.map((segment) => segmentToJson(segment, putImage)),
  };
}

/**
 * The trajectory that was stored; scored when it had a reward.
 * @param getImage resolves a reference that `putImage` returned
 * @throws DataError naming the first field that is not as this version writes it
 */
export function trajectoryFromJson(
  json: unknown,
  getImage: (reference: string) => RgbImage,
): Trajectory | ScoredTrajectory {
  const checked = trajectorySchema.safeParse(json);
  if (!checked.success) {
    const issue = checked.error.issues[0];
    throw new DataError(
      `stored trajectory: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not valid"}`,
    );
  }
  const { version: _, reward, turns, segments, ...rest } = checked.data;
  const trajectory: Trajectory = {
    ...rest,
    turns: turns.map(({ tool, ...turn }): Turn => {
      if (tool === undefined) return turn;
      const result: ToolResult = { ...tool, figures: tool.figures.map(getImage) };
      return { ...turn, tool: result };
    }),
    segments: segments.map((segment): Segment => {
      if (segment.type !== "image") return segment;
      const { type, source, image, grid, tokenCount } = segment;
      return { type, source, image: { pixels: getImage(image), grid, tokenCount } };
    }),
  };
  return reward === undefined
    ? trajectory
    : {
        ...trajectory,
        reward: {
          ...{ total: reward.total, accuracy: reward.accuracy, toolCall: reward.toolCall },
          ...(reward.score !== undefined && { score: reward.score }),
        },
      };
}

function segmentToJson(
  segment: Segment,
  putImage: (image: RgbImage) => string,
): TrajectoryJson["segments"][number] {
  switch (segment.type) {
    case "text":
      return { type: "text", source: segment.source, tokens: [...segment.tokens] };
    case "sampled":
      return { ...segment, tokens: [...segment.tokens], logprobs: [...segment.logprobs] };
    case "image": {
      const { pixels, grid, tokenCount } = segment.image;
      return { type: "image", source: segment.source, image: putImage(pixels), grid: [...grid], tokenCount };
    }
  }
}

function rewardToJson({
  total,
  accuracy,
  toolCall,
  score,
}: ScoredTrajectory["reward"]): TrajectoryJson["reward"] & object {
  return {
    total,
    ...(accuracy !== undefined && { accuracy }),
    toolCall,
    ...(score !== undefined && { score }),
  };
}
