// forward, forwardBackward and optimStep over the wire: a batch in requests of bounded size, and their answers as one.
import type { Codec } from "../../core/codec.ts";
import type { Datum } from "../../core/datum.ts";
import { EngineError } from "../../core/errors.ts";
import type { AdamWParams, ForwardBackwardResult, LossSpec, OptimStepResult } from "../engine.ts";
import { allFinite, NonFiniteError } from "../nonFinite.ts";
import { z } from "zod";
import type { Capabilities } from "./capabilities.ts";
import { type Connection, parseReply } from "./connection.ts";
import { TinkerError } from "./failures.ts";
import { lossOf, undividedDatum } from "./losses.ts";
import { mergeOutputs, splitCall } from "./protocol/chunking.ts";
import { toWireDatum } from "./protocol/datum.ts";
import { decodeForwardBackwardOutputJson, encodeForwardBackwardCallJson } from "./protocol/json.ts";
import { type WireLoss, wireLoss } from "./protocol/losses.ts";
import { decodeForwardBackwardOutputProto, encodeForwardBackwardCallProto } from "./protocol/protobuf.ts";
import {
  type ForwardBackwardCall,
  type ForwardBackwardOutput,
  ProtocolError,
  type WireDatum,
} from "./protocol/wire.ts";
import { mayHaveHappened, type RemoteModel } from "./remoteModel.ts";
import type { ReplyBody, WireBody } from "./transport.ts";
import type { OnceWarnings } from "./warnings.ts";

const CROSS_ENTROPY: LossSpec = { type: "crossEntropy" };

const optimSchema = z.looseObject({ metrics: z.record(z.string(), z.number().nullable()).nullish() });

export class Trainer {
  private steps = 0;

  constructor(
    private readonly connection: Connection,
    private readonly capabilities: Capabilities,
    private readonly codec: Codec,
    private readonly warnings: OnceWarnings,
  ) {}

  async forward(model: RemoteModel, batch: readonly Datum[]): Promise<readonly Float32Array[]> {
    const output = await this.compute(model, batch, CROSS_ENTROPY, true);
    return this.logprobsOf(output, batch);
  }

  async forwardBackward(
    model: RemoteModel,
    batch: readonly Datum[],
    loss: LossSpec,
  ): Promise<ForwardBackwardResult> {
    checkFinite(batch, this.steps + 1);
    const { lossReduction } = this.capabilities;
    const divided = lossReduction === "meanPerDatum";
    if (divided && loss.type === "crossEntropy")
      this.warnings.once(
        `${this.connection.settings.baseUrl}: this server divides the loss of each datum by the sum of its weights, so ` +
          "long and short datums weigh the same in cross-entropy",
      );
    const sent = divided ? batch.map((datum) => undividedDatum(datum, loss)) : batch;
    const output = await this.compute(model, sent, loss, false);
    try {
      const logprobs = this.logprobsOf(output, batch);
      const told = divided ? undefined : output.metrics["loss:sum"];
      const total =
        told ?? batch.reduce((sum, datum, d) => sum + lossOf(datum, loss, logprobs[d] as Float32Array), 0);
      this.checkResult(total, logprobs);
      return { loss: total, logprobs, entropySum: output.metrics["entropy:sum"] };
    } catch (error) {
      model.spoil("the gradient of a call whose result was wrong is in the accumulator");
      throw error;
    }
  }

  async optimStep(
    model: RemoteModel,
    params: AdamWParams,
    ready: Promise<unknown>,
  ): Promise<OptimStepResult> {
    const { adamParams, gradClip, lossReduction, dedupsSubmits } = this.capabilities;
    if (params.maxGradNorm > 0 && !gradClip && adamParams)
      this.warnings.once(
        `${this.connection.settings.baseUrl}: this server does not clip gradients: maxGradNorm ${params.maxGradNorm} has no effect`,
      );
    if (!adamParams)
      this.warnings.once(
        `${this.connection.settings.baseUrl}: this server takes the learning rate alone: beta1, beta2, epsilon, weightDecay ` +
          "and maxGradNorm are those of its own configuration",
      );
    const value = {
      model_id: model.id,
      adam_params: {
        learning_rate: params.learningRate,
        beta1: params.beta1,
        beta2: params.beta2,
        eps: params.epsilon,
        weight_decay: params.weightDecay,
        grad_clip_norm: params.maxGradNorm,
      },
      type: "optim_step",
    };
    try {
      const { result, datums } = await model.inTurn("optimStep", async () => {
        await ready;
        const accepted = await model.numbered((seq) =>
          this.connection.hand({
            name: "optim_step",
            body: { type: "json", value: { ...value, seq_id: seq } },
            requestType: "OptimStep",
            repeatable: dedupsSubmits,
            about: model.about,
          }),
        );
        const datums = model.pendingDatums;
        model.pendingDatums = 0;
        return { ...accepted, datums };
      });
      const { metrics } = parseReply(
        "optim_step",
        optimSchema,
        await result,
        this.connection.settings.baseUrl,
        "lost",
      );
      this.steps++;
      const norm = metrics?.["grad_norm"] ?? metrics?.["skyrl.ai/grad_norm"] ?? undefined;
      if (norm === undefined) return { gradNorm: undefined };
      if (!Number.isFinite(norm))
        throw new NonFiniteError(finding(`the norm of the gradient is ${norm}`, this.steps));
      return { gradNorm: lossReduction === "sum" ? norm : norm * datums };
    } catch (error) {
      if (mayHaveHappened(error)) model.spoil("whether the last update was made is not known");
      throw error;
    }
  }

  /** Hands the parts in, one after the other, and waits for all their results. */
  private async compute(
    model: RemoteModel,
    batch: readonly Datum[],
    loss: LossSpec,
    forwardOnly: boolean,
  ): Promise<ForwardBackwardOutput> {
    const { settings, config } = this.connection;
    this.checkOffered(batch, loss);
    const options = { imagePadId: this.codec.imagePadId, dialect: settings.dialect, loss };
    const parts = splitCall(
      batch.map((datum) => toWireDatum(datum, options)),
      config,
    );
    const results: Promise<ForwardBackwardOutput>[] = [];
    const refusal = await model
      .inTurn(forwardOnly ? "forward" : "forwardBackward", async () => {
        let from = 0;
        for (const part of parts) {
          const datums = parts.length === 1 ? "" : `, datums ${from} to ${from + part.length - 1}`;
          const { output } = await this.hand(
            model,
            part,
            wireLoss(loss, settings.dialect),
            forwardOnly,
            datums,
          );
          results.push(output);
          if (!forwardOnly) model.pendingDatums += part.length;
          from += part.length;
        }
      })
      .then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
    const settled = await Promise.allSettled(results);
    const errors = [
      ...(refusal === undefined ? [] : [refusal.error]),
      ...settled.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : [])),
    ];
    if (errors.length === 0)
      return mergeOutputs(settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])));
    const someDone = settled.some(({ status }) => status === "fulfilled");
    if (!forwardOnly && (someDone || errors.some(mayHaveHappened)))
      model.spoil("a part of the gradient of a call that failed may be in the accumulator");
    else if (!forwardOnly) model.pendingDatums -= Math.min(model.pendingDatums, batch.length);
    throw errors[0];
  }

  private async hand(
    model: RemoteModel,
    data: readonly WireDatum[],
    loss: WireLoss,
    forwardOnly: boolean,
    datums: string,
  ): Promise<{ readonly output: Promise<ForwardBackwardOutput> }> {
    const json = this.connection.settings.wire === "json";
    const name = forwardOnly && json ? "forward" : "forward_backward";
    const { result } = await model.numbered((seqId) => {
      const call: ForwardBackwardCall = { modelId: model.id, seqId, data, ...loss, forwardOnly };
      const field = forwardOnly ? "forward_input" : "forward_backward_input";
      const body: WireBody = json
        ? { type: "json", value: encodeForwardBackwardCallJson(call, field) }
        : { type: "protobuf", bytes: encodeForwardBackwardCallProto(call) };
      return this.connection.hand({
        name,
        body,
        requestType: forwardOnly ? "Forward" : "ForwardBackward",
        repeatable: forwardOnly || this.capabilities.dedupsSubmits,
        about: model.about + datums,
        protobuf: true,
      });
    });
    const output = result.then((body) => this.decode(body, name, model));
    output.catch(() => undefined); // looked at when all have come
    return { output };
  }

  private decode(body: ReplyBody, name: string, model: RemoteModel): ForwardBackwardOutput {
    try {
      return body.type === "protobuf"
        ? decodeForwardBackwardOutputProto(body.bytes)
        : decodeForwardBackwardOutputJson(body.type === "json" ? body.value : body.text);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const { baseUrl } = this.connection.settings;
      throw new TinkerError(
        `${baseUrl}, ${name} ${model.about}: its result cannot be read (${error.message})`,
        "lost", // what it stands for may be done
      );
    }
  }

  private checkOffered(batch: readonly Datum[], loss: LossSpec): void {
    const { baseUrl } = this.connection.settings;
    const { losses, imagesOnTrain } = this.capabilities;
    if (!losses.includes(loss.type))
      throw new EngineError(
        `forwardBackward: ${baseUrl} has no loss ${loss.type}; it has ${losses.join(", ")}: change train.loss`,
      );
    const d = batch.findIndex(({ images }) => images.length > 0);
    if (d >= 0 && !imagesOnTrain)
      throw new EngineError(
        `forwardBackward, datum ${d}: it has images, and ${baseUrl} drops images without a word (SkyRL's JAX backend reads ` +
          "text only); train on a server that takes them",
      );
  }

  /** Index i of the wire speaks of position i + 1; what is not trained on is 0. */
  private logprobsOf({ outputs }: ForwardBackwardOutput, batch: readonly Datum[]): Float32Array[] {
    const { baseUrl } = this.connection.settings;
    if (outputs.length !== batch.length)
      throw new TinkerError(
        `${baseUrl}, forward_backward: it gave results for ${outputs.length} datums, ${batch.length} were handed in`,
        "failed",
      );
    return batch.map(({ mask, images }, d) => {
      const given = outputs[d]?.["logprobs"]?.data;
      if (given?.length !== mask.length - 1)
        throw new TinkerError(
          `${baseUrl}, forward_backward, datum ${d}: it gave ${given?.length ?? "no"} log-probabilities for ` +
            `${mask.length - 1} positions` +
            (images.length === 0
              ? ""
              : "; a server that drops images, or counts their tokens differently, does this: use one that takes the " +
                "images of this model (SkyRL: a backend with a vision model, never one that forwards text alone)"),
          "failed",
        );
      const logprobs = new Float32Array(mask.length);
      for (let t = 1; t < mask.length; t++) if (mask[t] !== 0) logprobs[t] = given[t - 1] as number;
      return logprobs;
    });
  }

  private checkResult(total: number, logprobs: readonly Float32Array[]): void {
    const datums = [...logprobs.keys()].filter((d) => !allFinite(logprobs[d] as Float32Array));
    if (datums.length > 0)
      throw new NonFiniteError({ ...finding("a log-probability is not finite", this.steps + 1), datums });
    if (!Number.isFinite(total)) throw new NonFiniteError(finding(`the loss is ${total}`, this.steps + 1));
  }
}

function finding(text: string, optimizerStep: number): { finding: string; optimizerStep: number } {
  return { finding: `on the server, ${text}`, optimizerStep };
}

/** What is not finite is not sent: JSON has no words for it. */
function checkFinite(batch: readonly Datum[], optimizerStep: number): void {
  for (const name of ["mask", "logprobs", "advantages"] as const) {
    const datums = [...batch.keys()].filter((d) => !allFinite((batch[d] as Datum)[name]));
    if (datums.length > 0)
      throw new NonFiniteError({ finding: `the ${name} of a datum are not finite`, optimizerStep, datums });
  }
}
