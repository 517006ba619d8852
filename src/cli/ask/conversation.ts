// Plays questions on one conversation of the agent and reports what happens, with tokens and time of every turn.
import type { PreparedContext } from "../../agent/context/context.ts";
import { openConversation, type Conversation, type EpisodeOptions } from "../../agent/episode.ts";
import { fillSlots } from "../../agent/template.ts";
import { visualTokens } from "../../agent/tokenCounts.ts";
import { segmentLength } from "../../core/datum.ts";
import type { RgbImage } from "../../core/image.ts";
import type { Segment, Trajectory, Turn } from "../../core/trajectory.ts";
import type { SampleRequest, Sampler } from "../../engines/engine.ts";
import type { AskModel } from "./model.ts";
import type { FigureReport, QuestionReport, TokenCounts } from "./reports.ts";
import type { AskView } from "./view.ts";

type Played = Omit<EpisodeOptions, "sampler" | "codec" | "hooks" | "member" | "sequenceId" | "context">;

export interface AskOptions extends Played {
  readonly context: PreparedContext;
  readonly model: AskModel;
  readonly view: AskView;
  /** The files that are asked about, as the first question reports them. */
  readonly media: Pick<QuestionReport, "images" | "videos">;
  /** Saves a figure and tells where; undefined when it is not to be kept. */
  readonly saveFigure: ((image: RgbImage, turn: number, figure: number) => string) | undefined;
  /** Milliseconds of a steady clock. */
  readonly now: () => number;
}

export class AskConversation {
  private question = 1;
  private turn = 0;
  /** Pictures in the context so far. */
  private images = 0;
  private asked: SampledTurn | undefined;
  private counted: Counted = NOTHING;
  private callsBefore = 0;

  private constructor(
    private readonly o: AskOptions,
    private conversation: Conversation | undefined,
  ) {}

  /** Tells the first question. @throws DataError, ConfigError, SandboxError from preparing the files for the model */
  static async open(o: AskOptions): Promise<AskConversation> {
    const asked = new AskConversation(o, undefined);
    asked.conversation = await openConversation({
      ...o,
      member: 0,
      sequenceId: "ask",
      codec: o.model.codec,
      sampler: asked.watched(o.model.sampler),
      hooks: {
        onQuestion: (segments) => void (asked.images += countImages(segments)),
        onTurn: (turn) => asked.tellTurn(turn),
        onTool: (turn, observation) => asked.tellTool(turn, observation),
      },
    });
    const { view, task, media, model } = o;
    view.question({ type: "question", question: 1, text: task.question, model: model.name, ...media });
    return asked;
  }

  /** @returns the conversation so far. @throws as `Conversation.play`, after which it may be called again */
  async play(): Promise<Trajectory> {
    const trajectory = await this.opened.play();
    this.tellEnd(trajectory);
    return trajectory;
  }

  /** @throws DataError for an empty question */
  ask(text: string): void {
    const { view, model } = this.o;
    this.opened.ask(text);
    this.question++;
    this.counted = NOTHING;
    view.question({ type: "question", question: this.question, text, model: model.name });
  }

  /** @throws SandboxError */
  close(): Promise<void> {
    return this.opened.close();
  }

  private get opened(): Conversation {
    if (this.conversation === undefined) throw new Error("internal: a conversation that is not open");
    return this.conversation;
  }

  /** Has the turn's text told as it comes, and notes what it was asked with and how long it took. */
  private watched(sampler: Sampler): Sampler {
    const { now, view } = this.o;
    return {
      sample: async (requests) => {
        view.turnStarts(this.turn + 1);
        const startMs = now();
        const told = requests.map((request) => ({
          ...request,
          onText: (piece: string) => view.text(piece),
          onAgain: (reason: string) => view.again(reason),
        }));
        const results = await sampler.sample(told);
        this.asked = { request: requests[0] as SampleRequest, seconds: toSeconds(now() - startMs) };
        return results;
      },
      release: (sequenceId) => sampler.release(sequenceId),
    };
  }

  private tellTurn({ text, action, stop, tokenCount, served }: Turn): void {
    const { request, seconds } = this.asked as SampledTurn;
    const { sampled, context } =
      served === undefined
        ? { sampled: tokenCount, context: lengthOf(request.segments) }
        : { sampled: served.replyTokens, context: served.promptTokens };
    const tokens: TokenCounts = {
      ...(sampled !== undefined && { sampled }),
      ...(context !== undefined && { context }),
      visual: visualTokens(request).all,
    };
    this.turn++;
    const before = this.counted;
    const sum = (a: number | undefined, b: number | undefined): number | undefined =>
      a === undefined || b === undefined ? undefined : a + b;
    this.counted = {
      turns: before.turns + 1,
      sampled: sum(before.sampled, sampled),
      context: sum(context, sampled),
      seconds: sumSeconds(before.seconds, seconds),
    };
    const { question, turn } = this;
    const requests = served === undefined ? {} : { requests: served.attempts };
    const report = { question, turn, text, action, stop, tokens, seconds, ...requests };
    this.o.view.turn({ type: "turn", ...report });
  }

  private tellTool({ tool }: Turn, observation: readonly Segment[] | undefined): void {
    if (tool === undefined) throw new Error("internal: a call without a result");
    const { outcome, alive, stdout, figures } = tool;
    const views = (observation ?? []).flatMap((segment) => (segment.type === "image" ? [segment.image] : []));
    const named = views.length === figures.length;
    const { figureLabel } = this.o.template;
    const reports = figures.map((image, i): FigureReport => {
      const path = this.o.saveFigure?.(image, this.turn, i + 1);
      const view = named ? views[i] : undefined;
      const label = fillSlots(figureLabel, { i: this.o.context.firstLabel + this.images + i });
      return {
        ...(path !== undefined && { path }),
        ...{ width: image.width, height: image.height },
        ...(view !== undefined && { label, tokens: view.tokenCount }),
      };
    });
    this.images += views.length;
    const seconds = toSeconds(tool.elapsedMs);
    this.counted = { ...this.counted, seconds: sumSeconds(this.counted.seconds, seconds) };
    const { question, turn } = this;
    const observed = observation !== undefined;
    const report = { question, turn, outcome, alive, stdout, figures: reports, observed, seconds };
    this.o.view.tool({ type: "tool", ...report }, figures);
  }

  private tellEnd(trajectory: Trajectory): void {
    const { endReason, answer, toolCalls } = trajectory;
    const { turns, sampled, context, seconds } = this.counted;
    const tokens: TokenCounts = {
      ...(sampled !== undefined && { sampled }),
      ...(context !== undefined && { context }),
      visual: visualTokens(trajectory).all,
    };
    const calls = toolCalls - this.callsBefore;
    this.callsBefore = toolCalls;
    const { question } = this;
    const found = answer === undefined ? {} : { answer };
    const ended = { question, end: endReason, ...found, turns, toolCalls: calls, tokens, seconds };
    this.o.view.ended({ type: "end", ...ended });
  }
}

/** Of one question so far; what a server did not tell is undefined. */
interface Counted {
  readonly turns: number;
  readonly sampled: number | undefined;
  /** After the last turn. */
  readonly context: number | undefined;
  readonly seconds: number;
}

const NOTHING: Counted = { turns: 0, sampled: 0, context: undefined, seconds: 0 };

interface SampledTurn {
  readonly request: SampleRequest;
  readonly seconds: number;
}

/** To the millisecond. */
function toSeconds(ms: number): number {
  return Math.round(ms) / 1000;
}

function sumSeconds(a: number, b: number): number {
  return toSeconds((a + b) * 1000);
}

function lengthOf(segments: readonly Segment[]): number {
  return segments.reduce((n, segment) => n + segmentLength(segment), 0);
}

function countImages(segments: readonly Segment[]): number {
  return segments.filter(({ type }) => type === "image").length;
}
