// The models in training: created and ended, and their requests in order. A model has its place and its lane from the moment
// it is asked for, so that requests may follow at once; they wait until it is loaded.
import type { EmbeddedEngine } from "../../engines/embedded/embeddedEngine.ts";
import { HttpError } from "../http.ts";
import { userError } from "./errors.ts";
import type { Futures, Payload } from "./futures.ts";
import { Lane } from "./lane.ts";
import type { Session } from "./sessions.ts";
import type { Snapshots } from "./snapshots.ts";
import type { CheckpointStore, Run } from "./store.ts";
import { TrainedModel } from "./trainedModel.ts";

/** Ended models whose end is remembered. */
const REMEMBERED = 1000;

interface Place {
  readonly id: string;
  readonly sessionId: string;
  readonly lane: Lane;
  /** Rejects when it could not be made. */
  readonly made: Promise<TrainedModel>;
  /** Once it is made. */
  model: TrainedModel | undefined;
}

export interface MadeModel {
  readonly engine: EmbeddedEngine;
  readonly run: Run;
  readonly result: Readonly<Record<string, unknown>>;
}

export interface ModelRegistryOptions {
  /** At once. */
  readonly maxModels: number;
  /** Called when there are that many, to end those that are no longer needed. */
  readonly makeRoom: () => void;
  /** Called when a request of a session's model has come. */
  readonly touch: (sessionId: string) => void;
  readonly futures: Futures;
  readonly snapshots: Snapshots;
  readonly store: CheckpointStore;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly log: (line: string) => void;
}

export class ModelRegistry {
  private readonly places = new Map<string, Place>();
  private readonly ended = new Map<string, string>();

  constructor(private readonly options: ModelRegistryOptions) {}

  /**
   * Begins to make the session's model of that number; the same request again is the one that runs.
   * @returns its request id
   * @throws HttpError: 409 when another request had the number, 400 when there are too many models
   */
  create(
    session: Session,
    modelSeq: number,
    digest: string,
    make: (modelId: string) => Promise<MadeModel>,
  ): string {
    const known = session.creations.get(modelSeq);
    if (known?.digest === digest) return known.requestId;
    if (known !== undefined)
      throw new HttpError(`model_seq_id ${modelSeq} was used by another request of session ${session.id}`, {
        status: 409,
        code: "seq_id_reused",
      });
    const { maxModels, futures, makeRoom } = this.options;
    if (this.places.size >= maxModels) makeRoom();
    if (this.places.size >= maxModels)
      throw new HttpError(
        `there are ${this.places.size} models in training, as many as this server takes: unload one, or finish a session ` +
          `(--max-models sets the limit)`,
        { status: 400, code: "too_many_models" },
      );
    const id = `${session.id}:train:${modelSeq}`;
    let begin = (): void => undefined;
    const made = new Promise<void>((resolve) => (begin = resolve)).then(() => make(id));
    const place: Place = {
      id,
      sessionId: session.id,
      lane: new Lane(),
      made: made.then((all) => this.open(place, all)),
      model: undefined,
    };
    place.made.catch(() => undefined);
    const requestId = futures.open(
      async () => {
        begin();
        try {
          await place.made;
          return { type: "json", body: (await made).result };
        } catch (error) {
          session.creations.delete(modelSeq);
          session.modelIds.delete(id);
          await this.end(id, `it could not be created: ${(error as Error).message}`);
          throw error;
        }
      },
      { sessionId: session.id },
    );
    this.places.set(id, place);
    session.modelIds.add(id);
    session.creations.set(modelSeq, { digest, requestId });
    return requestId;
  }

  private async open(place: Place, { engine, run }: MadeModel): Promise<TrainedModel> {
    const { store, snapshots, clock, log } = this.options;
    try {
      await store.writeRun(run);
      if (this.places.get(place.id) !== place) throw userError(`model ${place.id}: its session has ended`);
    } catch (error) {
      await engine.dispose();
      throw error;
    }
    place.model = new TrainedModel(run, place.sessionId, engine, snapshots, clock());
    log(`${place.id} created from ${run.baseModel}`);
    return place.model;
  }

  /**
   * Takes a request into its model's order; the same request again is the one that is there.
   * @param onTaken called when it is not a repeated one, with the model if it is there yet
   * @returns its request id
   * @throws HttpError: 404 for a model that is not there, 409 when another request had the number
   */
  submit(
    modelId: string,
    seq: number,
    digest: string,
    work: (model: TrainedModel, requestId: string) => Promise<Payload>,
    onTaken: (model: TrainedModel | undefined) => void = () => undefined,
  ): string {
    const { lane, made, model, sessionId } = this.place(modelId);
    this.options.touch(sessionId);
    const known = lane.repeated(seq, digest);
    if (known !== undefined) return known;
    if (model !== undefined) model.lastRequestAt = this.options.clock();
    const requestId = this.options.futures.open((id) => lane.enqueue(seq, async () => work(await made, id)), {
      sessionId,
      waitsFor: () =>
        lane.gap === undefined ? undefined : `the request with seq_id ${lane.gap} has not come`,
    });
    lane.remember(seq, digest, requestId);
    onTaken(model);
    return requestId;
  }

  /** A request that was refused before it could be taken: those after it do not wait for it. */
  refused(modelId: string, seq: number): void {
    this.places.get(modelId)?.lane.refuse(seq);
  }

  /** Once it is made. @throws HttpError (404), and what its making failed of */
  async get(modelId: string): Promise<TrainedModel> {
    return this.place(modelId).made;
  }

  /** Only one that is made. */
  now(modelId: string): TrainedModel | undefined {
    return this.places.get(modelId)?.model;
  }

  /** Its requests that wait fail; those under way end first. Once more does nothing. */
  async end(modelId: string, reason: string): Promise<void> {
    const place = this.places.get(modelId);
    if (place === undefined) return;
    this.places.delete(modelId);
    this.ended.set(modelId, reason);
    for (const oldest of this.ended.keys()) {
      if (this.ended.size <= REMEMBERED) break;
      this.ended.delete(oldest);
    }
    place.lane.close(`model ${modelId} is gone: ${reason}`);
    if (place.model === undefined) return;
    await place.model.end();
    this.options.log(`${modelId} ended: ${reason}`);
  }

  async endAll(reason: string): Promise<void> {
    await Promise.all([...this.places.keys()].map((id) => this.end(id, reason)));
  }

  private place(modelId: string): Place {
    const place = this.places.get(modelId);
    if (place !== undefined) return place;
    const why =
      this.ended.get(modelId) ??
      "models end with the server; checkpoints outlive them: load one into a new model";
    throw new HttpError(`there is no model ${JSON.stringify(modelId.slice(0, 120))}: ${why}`, {
      status: 404,
    });
  }
}
