// Models on the server: made, loaded from a checkpoint, saved as one, given up.
import { basename } from "node:path";
import { z } from "zod";
import type { Reporter } from "../../core/reporter.ts";
import type { Capabilities } from "./capabilities.ts";
import { type Connection, parseReply } from "./connection.ts";
import { downloadArchive, downloadFiles } from "./download.ts";
import { TinkerError } from "./failures.ts";
import { RemoteModel } from "./remoteModel.ts";
import type { Snapshot } from "./sampler.ts";
import type { ReplyBody } from "./transport.ts";

/** Where a model begins. */
export interface Init {
  /** `tinker://…/weights/…` */
  readonly path: string;
  /** Whether the optimiser's state is taken, too. */
  readonly optimizer: boolean;
}

const modelSchema = z.looseObject({ model_id: z.string().min(1) });
const pathSchema = z.looseObject({ path: z.string().startsWith("tinker://") });
const snapshotSchema = z.looseObject({ sampling_session_id: z.string().min(1) });

export class Checkpoints {
  private models = 0;
  private samplingSessions = 0;

  constructor(
    private readonly connection: Connection,
    private readonly capabilities: Capabilities,
    private readonly warn: (text: string) => void,
  ) {}

  /** A new model: with the weights of the base model, or those of a checkpoint. */
  async create(init: Init | undefined): Promise<RemoteModel> {
    const { sessionId, settings } = this.connection;
    const common = { session_id: sessionId, model_seq_id: this.models++, base_model: settings.baseModel };
    if (init !== undefined && settings.dialect !== "skyrl") {
      const value = { ...common, path: init.path, optimizer: init.optimizer, type: "load_weights" };
      return new RemoteModel(await this.newModel("load_weights", "LoadWeights", value, `of ${init.path}`));
    }
    const lora = { rank: settings.rank, train_unembed: true, train_mlp: true, train_attn: true };
    const value = { ...common, lora_config: lora, type: "create_model" };
    const id = await this.newModel("create_model", "CreateModel", value, `of ${settings.baseModel}`);
    const model = new RemoteModel(id);
    if (init === undefined) return model;
    try {
      const body = (): object => ({ path: init.path, optimizer: init.optimizer });
      await this.request(model, "load_weights", "LoadWeights", body);
      if (!init.optimizer && !this.capabilities.loadsWeightsAlone) await this.resetOptimizer(model);
    } catch (error) {
      await this.unload(model);
      throw error;
    }
    return model;
  }

  /**
   * Takes back what the optimiser of the checkpoint knows: with betas of 0 an update without a gradient sets both moments to 0,
   * and without a learning rate it changes no weight. Old moments would outweigh new gradients for many updates.
   *
   * The server goes on counting updates, so new moments are not corrected for their beginning at 0: after t updates before,
   * update k is (1 − β1^k) / √((1 − β2^k) / (1 − β2^(t + k))) times what it should be. With β1 0.9 and β2 0.999 that is 2.8
   * at k = 10 after t = 200, and at most 6.6 after any t; with β2 0.95 it is 0.45 at first and 1.1 at most.
   */
  private async resetOptimizer(model: RemoteModel): Promise<void> {
    if (!this.capabilities.adamParams) {
      this.warn(
        `${this.connection.settings.baseUrl}: this server loads the optimiser's state with the weights, so training goes on ` +
          "with the moments of the stage before",
      );
      return;
    }
    const adam = { learning_rate: 0, beta1: 0, beta2: 0, eps: 1e-8, weight_decay: 0, grad_clip_norm: 0 };
    await this.request(model, "optim_step", "OptimStep", () => ({ adam_params: adam }));
    model.countsOldSteps = true;
  }

  /** Gives the model up. Never rejects. */
  async unload(model: RemoteModel): Promise<void> {
    await this.connection.quickly("unload_model", { model_id: model.id, type: "unload_model" });
  }

  /** Weights and optimiser state, kept on the server. @returns `tinker://…/weights/…` */
  async save(model: RemoteModel, dir: string): Promise<string> {
    const body = (seq: number): object => ({ path: nameOf(dir, seq) });
    const reply = await this.request(model, "save_weights", "SaveWeights", body);
    return parseReply("save_weights", pathSchema, reply, this.connection.settings.baseUrl).path;
  }

  /**
   * The files of the weights as they are when this comes to its turn: in `dir`, and kept on the server to be sampled from.
   * @returns `tinker://…/sampler_weights/…`; the hosted service keeps what is downloaded apart: undefined
   */
  async export(
    model: RemoteModel,
    dir: string,
    reporter: Pick<Reporter, "start" | "info">,
  ): Promise<string | undefined> {
    const { transport, settings } = this.connection;
    const { baseUrl, dialect } = settings;
    const hosted = dialect === "hosted";
    const name = hosted ? "save_weights_external" : "save_weights_for_sampler";
    const body = (seq: number): object => ({ path: nameOf(dir, seq) });
    const type = hosted ? "SaveWeightsExternal" : "SaveWeightsForSampler";
    const { path } = parseReply(name, pathSchema, await this.request(model, name, type, body), baseUrl);
    const of = partsOf(path, baseUrl);
    const checkpoints = `training_runs/${of.owner}/checkpoints`;
    const options = { transport, dir, reporter };
    if (hosted) {
      await downloadFiles(`${checkpoints}/external_weights/${of.name}/external_weights_urls`, options);
      return undefined;
    }
    const checkpoint = dialect === "skyrl" ? of.name : `sampler_weights/${of.name}`;
    await downloadArchive(`${checkpoints}/${checkpoint}/archive`, options);
    return path;
  }

  /** The model's weights as they are when this comes to its turn, to sample from; not kept. */
  async snapshot(model: RemoteModel): Promise<Snapshot> {
    const { baseUrl } = this.connection.settings;
    const number = this.samplingSessions++;
    const body = (): object => ({ sampling_session_seq_id: number });
    const reply = await this.request(model, "save_weights_for_sampler", "SaveWeightsForSampler", body);
    const { sampling_session_id } = parseReply("save_weights_for_sampler", snapshotSchema, reply, baseUrl);
    return { samplingSessionId: sampling_session_id, requests: 0 };
  }

  private async newModel(name: string, requestType: string, value: object, about: string): Promise<string> {
    // Twice would leave a model that nobody asks for; it ends with its session.
    const body = { type: "json", value } as const;
    const { result } = await this.connection.hand({ name, body, requestType, repeatable: true, about });
    return parseReply(name, modelSchema, await result, this.connection.settings.baseUrl).model_id;
  }

  /** In the model's order. */
  private async request(
    model: RemoteModel,
    name: string,
    requestType: string,
    fields: (seq: number) => object,
  ): Promise<ReplyBody> {
    const { result } = await model.inTurn(name, () =>
      model.numbered((seq) => {
        const value: object = { model_id: model.id, seq_id: seq, ...fields(seq), type: name };
        return this.connection.hand({
          name,
          body: { type: "json", value },
          requestType,
          // A name that is taken, or a second load, is refused rather than done twice.
          repeatable: this.capabilities.dedupsSubmits || !("path" in value),
          about: model.about,
        });
      }),
    );
    return result;
  }
}

/** Of a checkpoint on the server: unlike any other of its model, and telling for people. Letters, digits, - and _. */
function nameOf(dir: string, seq: number): string {
  const stem = basename(dir)
    .replace(/[^a-zA-Z0-9_]+/g, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 100);
  return `${stem === "" ? "state" : stem}-${seq}`;
}

/** `tinker://<owner>/[<kind>/]<name>` */
function partsOf(path: string, baseUrl: string): { readonly owner: string; readonly name: string } {
  const parts = path.slice("tinker://".length).split("/");
  const [owner, name] = [parts[0], parts.at(-1)];
  if (parts.length < 2 || !owner || !name)
    throw new TinkerError(
      `${baseUrl}: it named a checkpoint ${JSON.stringify(path)}, which is no path of one`,
      "failed",
    );
  return { owner, name };
}
