// The checkpoints that models are made of, by the names that clients call them, and what is shared by all models made of one.
import { resolve } from "node:path";
import { EmbeddedEngine, type EmbeddedEngineOptions } from "../../engines/embedded/embeddedEngine.ts";
import { HttpError } from "../http.ts";
import { Pictures } from "../pictures.ts";
import { Snapshot, type Snapshots } from "./snapshots.ts";

export interface ServedCheckpoint {
  /** As clients call it. */
  readonly name: string;
  /** Folder. */
  readonly dir: string;
}

export interface BaseModel extends ServedCheckpoint {
  readonly contextTokens: number;
  readonly pictures: Pictures;
  readonly imagePadId: number;
  readonly endOfTurnId: number;
  readonly vocabSize: number;
  /** Of its own weights. */
  readonly snapshot: Snapshot;
}

/** Pixels of decoded pictures that are kept, in bytes. */
const PICTURE_BYTES = 2 ** 28;

export class BaseModels {
  private constructor(
    readonly all: readonly BaseModel[],
    private readonly options: EmbeddedEngineOptions,
  ) {}

  /** Loads each once, so that what is wrong with it shows at the start. @throws DataError or EngineError */
  static async open(
    checkpoints: readonly ServedCheckpoint[],
    options: EmbeddedEngineOptions,
    snapshots: Snapshots,
  ): Promise<BaseModels> {
    const all: BaseModel[] = [];
    for (const { name, dir } of checkpoints) {
      const engine = await EmbeddedEngine.load(dir, options);
      const { codec, files } = engine;
      const snapshot = new Snapshot(snapshots, undefined, () => EmbeddedEngine.load(dir, options));
      void snapshots.hold(snapshot, Promise.resolve(engine));
      all.push({
        name,
        dir: resolve(dir),
        contextTokens: files.config.maxPositionEmbeddings,
        vocabSize: files.config.vocabSize,
        pictures: new Pictures(codec, { maxPictures: 4096, maxBytes: PICTURE_BYTES }),
        imagePadId: codec.imagePadId,
        endOfTurnId: codec.endOfTurnId,
        snapshot,
      });
    }
    return new BaseModels(all, options);
  }

  /** By its name or its folder. @throws HttpError (400) */
  get(name: string): BaseModel {
    const found =
      this.all.find((model) => model.name === name) ?? this.all.find((model) => model.dir === resolve(name));
    if (found !== undefined) return found;
    throw new HttpError(
      `base_model: this server has ${this.all.map((model) => JSON.stringify(model.name)).join(", ")}; ` +
        `got ${JSON.stringify(name.slice(0, 200))}`,
      { status: 400 },
    );
  }

  load(dir: string): Promise<EmbeddedEngine> {
    return EmbeddedEngine.load(dir, this.options);
  }
}
