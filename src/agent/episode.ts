// One episode: prompt, then (sample, parse, run, observe) until an end reason. The token sequence only ever grows, and
// what the sampler returned is what is trained on.
//
// Limits, in the order they are looked at; the first that is hit names the end:
//   before a turn    0. context   room for at least one more token (only the prompt can fail here)   contextLimit
//                                 and no more prompt images than maxImages                           imageLimit
//   after sampling   1. turn tokens: cut by length, maxTurnTokens was the tighter bound              turnTokenLimit
//                    2. context: cut by length, the context was the tighter bound                    contextLimit
//                    3. the action: an answer ends it (answered), nothing readable ends it           noAction
//                    4. turns: code in the last allowed turn is not run, nobody would read it        turnLimit
//   after the call   5. errorPolicy "end": any outcome but ok                                        pythonError
//                    6. context: observation and one more token must fit                             contextLimit
//                    7. images: figures would exceed maxImages                                       imageLimit
// An observation enters whole or not at all, so every finished sequence ends with a sampled turn (or is a bare prompt).
//
// A conversation goes on after the end: a further question follows in the same sequence and the same Python session. It has
// turns of its own (limit 4 counts from it); context and images are those of the whole conversation. A question that does
// not fit is not appended (contextLimit).
import { DataError, EngineError, SandboxError } from "../core/errors.ts";
import { segmentLength } from "../core/datum.ts";
import type { EndReason, Segment, ToolResult, Trajectory, Turn } from "../core/trajectory.ts";
import type { SampleResult } from "../engines/engine.ts";
import type { PythonSession } from "../sandbox/runtime.ts";
import { strategyFor } from "./context/choose.ts";
import type { PreparedContext } from "./context/context.ts";
import type { EpisodeOptions } from "./episodeOptions.ts";
import { NoveltyTracker } from "./novelty.ts";
import { observationSegments } from "./observation.ts";
import { parseTurn } from "./parser.ts";
import { ASSISTANT_OPEN, MESSAGE_CLOSE, USER_OPEN } from "./prompt.ts";
import { SequenceBuilder } from "./sequence.ts";

export type { EpisodeHooks, EpisodeLimits, EpisodeOptions, ErrorPolicy } from "./episodeOptions.ts";

/**
 * Plays one episode. The Python session is opened at the first call (many episodes never call) and always closed; the
 * sampler is always told to release the sequence.
 * @throws whatever the sampler, the codec or the context's strategy throws. A SandboxError is data: end reason
 * `sandboxFailure` (with an empty sequence when it kept the prompt from being made).
 */
export async function runEpisode(options: EpisodeOptions): Promise<Trajectory> {
  const episode = await openEpisode(options);
  let trajectory: Trajectory;
  try {
    trajectory = await episode.play();
  } catch (error) {
    await episode.close().catch(() => undefined); // the first error is the one to report
    throw error;
  }
  try {
    await episode.close();
  } catch (error) {
    return episode.trajectory(failureOf(error));
  }
  return trajectory;
}

/** An episode that can go on. Whoever opens one closes it, after an error too. */
export interface Conversation {
  /**
   * Plays the open question to an end reason.
   * @returns the conversation so far: all segments, turns and calls, the questions with an empty line between them, and the
   * answer to the last
   * @throws as `runEpisode`; after an error of the sampler, playing again asks it for the same turn
   */
  play(): Promise<Trajectory>;
  /** The next question, for `play`. The model reads it as the user's message after its own last turn. @throws DataError */
  ask(question: string): void;
  /** Ends the Python session and releases the sequence. Idempotent. @throws SandboxError */
  close(): Promise<void>;
}

/** @throws what the context's strategy throws, but for a SandboxError, which is what `play` ends with */
export function openConversation(options: EpisodeOptions): Promise<Conversation> {
  return openEpisode(options);
}

async function openEpisode(options: EpisodeOptions): Promise<Episode> {
  try {
    const context = await (options.context ?? strategyFor(options.task).prepare(options.task, options));
    return new Episode(options, context);
  } catch (error) {
    options.sampler.release(options.sequenceId);
    const nothing = { prompt: [], session: { images: [] }, firstLabel: 0, seen: [] };
    return new Episode(options, nothing, failureOf(error));
  }
}

/** A SandboxError as data. @throws any other error */
function failureOf(error: unknown): EndReason {
  if (!(error instanceof SandboxError)) throw error;
  return { type: "sandboxFailure", message: error.message };
}

class Episode implements Conversation {
  private readonly segments: Segment[];
  private readonly turns: Turn[] = [];
  private readonly novelty: NoveltyTracker;
  private length: number;
  private imageCount: number;
  private session: PythonSession | undefined;
  private toolCalls = 0;
  private effectiveToolCalls = 0;
  private readonly questions: string[];
  /** Where the last question is: to be played, being played (or stopped by an error), or ended. */
  private state: "asked" | "playing" | "ended" = "asked";
  /** A further question that is asked and not yet in the sequence. */
  private following: string | undefined;
  /** Turns of the questions before this one. */
  private turnsBefore = 0;
  private isClosed: boolean;

  constructor(
    private readonly o: EpisodeOptions,
    private readonly context: PreparedContext,
    /** What makes playing on impossible. Nothing is left to close when it is there from the start. */
    private failure?: EndReason,
  ) {
    this.segments = [...context.prompt];
    this.length = lengthOf(this.segments);
    this.imageCount = countImages(this.segments);
    this.novelty = new NoveltyTracker(context.seen);
    this.questions = [o.task.question];
    this.isClosed = failure !== undefined;
  }

  async play(): Promise<Trajectory> {
    if (this.state === "ended") throw new Error("internal: play without an open question");
    let end: EndReason;
    try {
      end = this.failure ?? (this.state === "asked" ? this.open() : undefined) ?? (await this.playTurns());
    } catch (error) {
      end = this.failure = failureOf(error);
    }
    this.state = "ended";
    return this.trajectory(end);
  }

  ask(question: string): void {
    if (question.trim() === "") throw new DataError("a further question must have text, got none");
    this.following = question;
    this.state = "asked";
  }

  /** Puts the question into the sequence, where the prompt is already; the end reason when it cannot be played. */
  private open(): EndReason | undefined {
    const { limits, hooks } = this.o;
    const { following } = this;
    this.following = undefined;
    const more = following === undefined ? [] : this.followUpSegments(following);
    if (this.length + lengthOf(more) >= limits.maxContextTokens) return { type: "contextLimit" };
    if (this.imageCount > limits.maxImages) return { type: "imageLimit" };
    if (following !== undefined) this.questions.push(following);
    this.append(more);
    this.turnsBefore = this.turns.length;
    this.state = "playing";
    hooks?.onQuestion?.(following === undefined ? this.context.prompt : more);
    return undefined;
  }

  private async playTurns(): Promise<EndReason> {
    for (;;) {
      const end = (await this.sampleTurn()) ?? (await this.useTool());
      if (end !== undefined) return end;
    }
  }

  /** Samples and reads one turn; undefined when it is code that is to run. */
  private async sampleTurn(): Promise<EndReason | undefined> {
    const { o } = this;
    const room = o.limits.maxContextTokens - this.length;
    const maxNewTokens = Math.min(o.limits.maxTurnTokens, room);
    const results = await o.sampler.sample([
      {
        sequenceId: o.sequenceId,
        ...(o.promptKey !== undefined && { promptKey: o.promptKey }),
        segments: [...this.segments],
        params: { ...o.sampling, maxNewTokens, stopStrings: [o.template.codeClose, o.template.answerClose] },
        random: o.random,
      },
    ]);
    const sampled = checkResult(results, maxNewTokens);
    const text = o.codec.decode(sampled.tokens);
    // A sampled image placeholder has no image behind it. It and what follows stay out of the sequence, since
    // placeholders must equal images wherever it is read again.
    const pad = sampled.tokens.indexOf(o.codec.imagePadId);
    const tokens = pad < 0 ? sampled.tokens : sampled.tokens.slice(0, pad);
    const logprobs = pad < 0 ? sampled.logprobs : sampled.logprobs.slice(0, pad);
    const { stop, unfit, served } = sampled;
    if (tokens.length > 0)
      this.append([{ type: "sampled", tokens, logprobs, ...(unfit !== undefined && { unfit }) }]);
    const turn = { text, tokenCount: tokens.length, stop, ...(served !== undefined && { served }) };
    if (pad >= 0) {
      this.addTurn({ ...turn, action: { type: "none", reason: "image placeholder in the model's text" } });
      return { type: "noAction" };
    }
    if (stop === "length") {
      this.addTurn({ ...turn, action: { type: "none", reason: "cut by length" } });
      const byTurn = sampled.contextFull !== true && o.limits.maxTurnTokens <= room;
      return { type: byTurn ? "turnTokenLimit" : "contextLimit" };
    }
    const closed = tokens.at(-1) === o.codec.endOfTurnId;
    const action = parseTurn(closed ? o.codec.decode(tokens.slice(0, -1)) : text, o.template);
    this.addTurn({ ...turn, action });
    if (action.type === "answer") return { type: "answered" };
    if (action.type === "none") return { type: "noAction" };
    const turns = this.turns.length - this.turnsBefore;
    return turns >= o.limits.maxTurns ? { type: "turnLimit" } : undefined;
  }

  private addTurn(turn: Turn): void {
    this.turns.push(turn);
    this.o.hooks?.onTurn?.(turn);
  }

  /** Runs the code of the last turn and appends its observation. */
  private async useTool(): Promise<EndReason | undefined> {
    const { o } = this;
    const turn = this.turns.at(-1);
    if (turn?.action.type !== "code") throw new Error("internal: useTool without a code turn");
    this.session ??= await o.runtime.open(this.context.session);
    const tool = await this.session.run(turn.action.code);
    const played = { ...turn, tool };
    this.turns[this.turns.length - 1] = played;
    const ok = tool.outcome.type === "ok";
    const isNew = this.novelty.isNew(turn.action.code, tool);
    if (ok) this.toolCalls++;
    if (isNew) this.effectiveToolCalls++;
    const observation = observationSegments({
      result: tool,
      template: o.template,
      codec: o.codec,
      imagesBefore: this.context.firstLabel + this.imageCount,
      turnClosed: this.turnClosed,
    });
    const end = this.endAfter(tool, observation);
    if (end === undefined) this.append(observation);
    o.hooks?.onTool?.(played, end === undefined ? observation : undefined);
    return end;
  }

  private endAfter(tool: ToolResult, observation: readonly Segment[]): EndReason | undefined {
    const { limits, errorPolicy } = this.o;
    if (tool.outcome.type !== "ok" && errorPolicy === "end") return { type: "pythonError" };
    if (this.length + lengthOf(observation) >= limits.maxContextTokens) return { type: "contextLimit" };
    if (this.imageCount + countImages(observation) > limits.maxImages) return { type: "imageLimit" };
    return undefined;
  }

  /** Whether the model wrote the end of its last turn itself. */
  private get turnClosed(): boolean {
    const last = this.segments.at(-1);
    return last?.type === "sampled" && last.tokens.at(-1) === this.o.codec.endOfTurnId;
  }

  private followUpSegments(question: string): Segment[] {
    return new SequenceBuilder(this.o.codec, "prompt")
      .scaffold((this.turnClosed ? "\n" : MESSAGE_CLOSE) + USER_OPEN)
      .content(question)
      .scaffold(MESSAGE_CLOSE + ASSISTANT_OPEN)
      .build();
  }

  private append(segments: readonly Segment[]): void {
    this.segments.push(...segments);
    this.length += lengthOf(segments);
    this.imageCount += countImages(segments);
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.o.sampler.release(this.o.sequenceId);
    await this.session?.close();
  }

  trajectory(endReason: EndReason): Trajectory {
    const { task, member } = this.o;
    const action = this.turns.at(-1)?.action;
    return {
      taskId: task.id,
      taskKind: task.kind,
      question: this.questions.join("\n\n"),
      groundTruth: task.answer,
      member,
      segments: [...this.segments],
      turns: [...this.turns],
      endReason,
      ...(endReason.type === "answered" && action?.type === "answer" && { answer: action.answer }),
      ...(this.context.firstLabel > 0 && { firstLabel: this.context.firstLabel }),
      toolCalls: this.toolCalls,
      effectiveToolCalls: this.effectiveToolCalls,
    };
  }
}

function lengthOf(segments: readonly Segment[]): number {
  return segments.reduce((n, s) => n + segmentLength(s), 0);
}

function countImages(segments: readonly Segment[]): number {
  return segments.filter((s) => s.type === "image").length;
}

function checkResult(results: readonly SampleResult[], maxNewTokens: number): SampleResult {
  const [result] = results;
  if (result === undefined || results.length !== 1)
    throw new EngineError(`internal: sampler gave ${results.length} results for 1 request`);
  const { tokens, logprobs } = result;
  if (tokens.length !== logprobs.length || tokens.length > maxNewTokens)
    throw new EngineError(
      `internal: sampler gave ${tokens.length} tokens and ${logprobs.length} logprobs for at most ${maxNewTokens}`,
    );
  return result;
}
