// forward, forwardBackward and optimStep over the wire: a batch in requests of bounded size, and their answers as one.
import type { Codec } from "../../core/codec.ts";
import type { Datum } from "../../core/datum.ts";
import { EngineError } from "../../core/errors.ts";
import type { AdamWParams, ForwardBackwardResult, LossSpec, OptimStepResult } from "../engine.ts";
import { NonFiniteError } from "../nonFinite.ts";
import { z } from "zod";
import type { Capabilities } from "./capabilities.ts";
import { type Connection, parseReply } from "./connection.ts";
import { lossOf, undividedDatum } from "./losses.ts";
import { mergeOutputs, splitCall } from "./protocol/chunking.ts";
import { toWireDatum } from "./protocol/datum.ts";
import { encodeForwardBackwardCallJson } from "./protocol/json.ts";
import { type WireLoss, wireLoss } from "./protocol/losses.ts";
import { encodeForwardBackwardCallProto } from "./protocol/protobuf.ts";
import { type ForwardBackwardCall, type ForwardBackwardOutput, type WireDatum } from "./protocol/wire.ts";
import { isFailed, mayHaveHappened, type RemoteModel } from "./remoteModel.ts";
import { checkFinite, checkResult, decodeOutput, finding, logprobsOf } from "./trainingResult.ts";
import type { WireBody } from "./transport.ts";
import type { OnceWarnings } from "./warnings.ts";

const CROSS_ENTROPY: LossSpec = { type: "crossEntropy" };

/** Up to here updates without correction of the second moment are at most 1.6 times too large (checkpoints.ts). */
const UNCORRECTED_BETA2 = 0.98;

const optimSchema = z.looseObject({ metrics: z.record(z.string(), z.number().nullable()).nullish() });

export class Trainer {
  /** Updates made. */
  steps = 0;

  constructor(
    private readonly connection: Connection,
    private readonly capabilities: Capabilities,
    private readonly codec: Codec,
    private readonly warnings: OnceWarnings,
  ) {}

  async forward(model: RemoteModel, batch: readonly Datum[]): Promise<readonly Float32Array[]> {
    const output = await this.compute(model, batch, CROSS_ENTROPY, true);
    return logprobsOf(output, batch, this.connection.settings.baseUrl);
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
      const logprobs = logprobsOf(output, batch, this.connection.settings.baseUrl);
      const told = divided ? undefined : output.metrics["loss:sum"];
      const total =
        told ?? batch.reduce((sum, datum, d) => sum + lossOf(datum, loss, logprobs[d] as Float32Array), 0);
      checkResult(total, logprobs, this.steps + 1);
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
    const { adamParams, gradClip, lossReduction, dedupsSubmits, discardsOnFailure } = this.capabilities;
    if (params.maxGradNorm > 0 && !gradClip && adamParams)
      this.warnings.once(
        `${this.connection.settings.baseUrl}: this server does not clip gradients: maxGradNorm ${params.maxGradNorm} has no effect`,
      );
    if (!adamParams)
      this.warnings.once(
        `${this.connection.settings.baseUrl}: this server takes the learning rate alone: beta1, beta2, epsilon, weightDecay ` +
          "and maxGradNorm are those of its own configuration",
      );
    if (model.countsOldSteps && params.beta2 > UNCORRECTED_BETA2)
      this.warnings.once(
        `${this.connection.settings.baseUrl}: this server goes on counting the updates of the stage before while the moments ` +
          `begin at 0, so with beta2 ${params.beta2} the first updates are several times too large; set optimizer.beta2 to ` +
          `${UNCORRECTED_BETA2} or less, 0.95 for example`,
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
      const handed = await model.inTurn("optimStep", async () => {
        await ready;
        // Servers differ in what they make of it: some decay weights and follow old moments, or refuse it after a failure.
        if (model.gradient.datums === 0) return undefined;
        const accepted = await model.numbered((seq) =>
          this.connection.hand({
            name: "optim_step",
            body: { type: "json", value: { ...value, seq_id: seq } },
            requestType: "OptimStep",
            repeatable: dedupsSubmits,
            about: model.about,
          }),
        );
        const { gradient } = model;
        model.gradient = { datums: 0 };
        return { ...accepted, gradient };
      });
      if (handed === undefined) return { gradNorm: 0 };
      const { result, gradient } = handed;
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
      return { gradNorm: lossReduction === "sum" ? norm : norm * gradient.datums };
    } catch (error) {
      if (mayHaveHappened(error)) model.spoil("whether the last update was made is not known");
      else if (isFailed(error) && !discardsOnFailure)
        model.spoil("the gradient of an update that failed may still be in the accumulator");
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
    let added = 0;
    let { gradient } = model;
    const refusal = await model
      .inTurn(forwardOnly ? "forward" : "forwardBackward", async () => {
        ({ gradient } = model);
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
          if (!forwardOnly) {
            added += part.length;
            gradient.datums += part.length;
          }
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
    else gradient.datums -= added; // what was handed in before by other calls still waits for its update
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
    const output = result.then((body) =>
      decodeOutput(body, `${this.connection.settings.baseUrl}, ${name} ${model.about}`),
    );
    output.catch(() => undefined); // looked at when all have come
    return { output };
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
}
