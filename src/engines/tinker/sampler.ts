// Sampling over the wire: every request of a call at once, as far as the server bears it, each from the snapshot of the weights
// that was current when the call was made.
import type { Codec } from "../../core/codec.ts";
import { EngineError } from "../../core/errors.ts";
import type { SampleRequest, SampleResult } from "../engine.ts";
import { BackPressure } from "./backPressure.ts";
import type { Capabilities } from "./capabilities.ts";
import type { Connection } from "./connection.ts";
import { TinkerError } from "./failures.ts";
import { ImageGuard } from "./imageGuard.ts";
import { decodeSampleOutputJson } from "./protocol/json.ts";
import { decodeSampleOutputProto } from "./protocol/protobuf.ts";
import { ProtocolError, type SampleOutput } from "./protocol/wire.ts";
import { sampleBody } from "./sampleBody.ts";
import { lengthOf, Sequences } from "./sequences.ts";
import type { ReplyBody } from "./transport.ts";
import { turnOf } from "./turn.ts";

/** Weights as they were at one moment, to sample from. */
export interface Snapshot {
  readonly samplingSessionId: string;
  /** Requests it has had. */
  requests: number;
}

/** Times a sample whose result the server lost is handed in again. */
const RESUBMISSIONS = 3;

export class RemoteSampler {
  private readonly pressure: BackPressure;
  private readonly guard: ImageGuard;
  private readonly sequences = new Sequences();
  private calls = 0;

  constructor(
    private readonly connection: Connection,
    private readonly capabilities: Capabilities,
    private readonly codec: Codec,
  ) {
    this.pressure = new BackPressure(connection.settings.maxConcurrent, connection.world);
    this.guard = new ImageGuard(connection.settings.baseUrl, capabilities);
  }

  release(sequenceId: string): void {
    this.sequences.release(sequenceId);
  }

  /** The weights change: no sequence is remembered. */
  forget(): void {
    this.sequences.forget();
  }

  /** @param snapshot of the weights at the time of the call */
  async sample(requests: readonly SampleRequest[], snapshot: Promise<Snapshot>): Promise<SampleResult[]> {
    this.sequences.begin(requests);
    const turns = new Map<SampleRequest, SampleResult>();
    try {
      // All are written before the first is sent, so that they reach the server together.
      const bodies = requests.map((request) => this.bodyOf(request));
      const from = await snapshot;
      await this.guard.check(requests, (body) => this.ask(body, from, "a picture"));
      const together = this.callOf(bodies.filter((body) => body !== undefined).length);
      const ended = await Promise.allSettled(
        requests.map(async (request, i) =>
          turns.set(request, await this.one(request, bodies[i] && { ...bodies[i], ...together }, from)),
        ),
      );
      const failed = ended.find((result) => result.status === "rejected");
      if (failed !== undefined) throw failed.reason;
      return requests.map((request) => turns.get(request) as SampleResult);
    } finally {
      for (const request of requests) this.sequences.end(request, turns.has(request));
    }
  }

  /** Tells our own server which requests are one batch, however their ways differ. */
  private callOf(count: number): object {
    const { settings, sessionId } = this.connection;
    if (!this.capabilities.extensions || count > settings.maxConcurrent) return {};
    return { together: { call: `${sessionId}/${this.calls++}`, count } };
  }

  /** Undefined where the model's context has no room for a turn. */
  private bodyOf(request: SampleRequest): object | undefined {
    const images = request.segments.some(({ type }) => type === "image");
    if (images && !this.capabilities.imagesOnSample)
      throw new EngineError(
        `sampling "${request.sequenceId}": it has images, and ${this.connection.settings.baseUrl} drops images without a ` +
          "word (SkyRL's JAX backend reads text only); sample from a server that takes them",
      );
    const room = (this.connection.contextLength ?? Infinity) - lengthOf(request.segments);
    if (room < 1) return undefined;
    const maxNewTokens = Math.min(request.params.maxNewTokens, room);
    const params = { ...request.params, maxNewTokens };
    const body = sampleBody({ ...request, params }, this.codec, this.capabilities);
    const { sessionId } = this.connection;
    return this.capabilities.extensions ? { ...body, sequence: `${sessionId}/${request.sequenceId}` } : body;
  }

  private async one(
    request: SampleRequest,
    body: object | undefined,
    snapshot: Snapshot,
  ): Promise<SampleResult> {
    const { sequenceId, params, random } = request;
    if (body === undefined) return { tokens: [], logprobs: [], stop: "length", contextFull: true };
    const output = await this.ask(body, snapshot, `"${sequenceId}"`);
    const [sequence] = output.sequences;
    if (sequence === undefined || output.sequences.length !== 1)
      throw this.unreadable(sequenceId, `${output.sequences.length} sequences, 1 was asked for`);
    let turn: ReturnType<typeof turnOf>;
    try {
      turn = turnOf(sequence, request, this.codec, this.capabilities);
    } catch (error) {
      throw error instanceof RangeError ? this.unreadable(sequenceId, error.message) : error;
    }
    // The server drew from a copy of the stream, one number a token.
    if (this.capabilities.extensions && params.temperature > 0)
      for (let i = 0; i < sequence.tokens.length; i++) random.next();
    request.onText?.(this.codec.decode(turn.tokens));
    return turn;
  }

  private unreadable(sequenceId: string, what: string): TinkerError {
    return new TinkerError(
      `${this.connection.settings.baseUrl}, sampling "${sequenceId}": its reply has ${what}`,
      "failed",
    );
  }

  private ask(body: object, snapshot: Snapshot, what: string): Promise<SampleOutput> {
    return this.pressure.run(async () => {
      for (let left = RESUBMISSIONS; ; left--) {
        const value = {
          sampling_session_id: snapshot.samplingSessionId,
          seq_id: snapshot.requests++,
          ...body,
          ...(left < RESUBMISSIONS && { together: undefined }), // the others have their results
        };
        try {
          const { result } = await this.connection.hand({
            name: "asample",
            body: { type: "json", value },
            requestType: "Sample",
            repeatable: true,
            about: `of ${what}`,
            protobuf: true,
            headers: { "x-tinker-sampling-backpressure": "1" },
            onThrottled: () => this.pressure.throttled(JSON.stringify(value).length),
          });
          return this.decode(await result, what);
        } catch (error) {
          // The server lost the result, not the weights: 410.
          if (!(error instanceof TinkerError && error.status === 410 && left > 0)) throw error;
        }
      }
    });
  }

  private decode(body: ReplyBody, what: string): SampleOutput {
    try {
      return body.type === "protobuf"
        ? decodeSampleOutputProto(body.bytes)
        : decodeSampleOutputJson(body.type === "json" ? body.value : body.text);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      throw new TinkerError(
        `${this.connection.settings.baseUrl}, asample of ${what}: its result cannot be read (${error.message})`,
        "failed",
      );
    }
  }
}
