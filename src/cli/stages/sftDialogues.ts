// Dialogues of `sft.data` as what the engine trains on. Pictures are opened one dialogue at a time, in the order of the
// training, so that memory holds a batch of them and not the data set.
import type { Codec } from "../../core/codec.ts";
import { datumFromSegments, type Datum } from "../../core/datum.ts";
import { DataError } from "../../core/errors.ts";
import { randomStream } from "../../core/random.ts";
import type { RgbImage } from "../../core/image.ts";
import type { Reporter } from "../../core/reporter.ts";
import type { ViewImage } from "../../core/trajectory.ts";
import type { ProtocolMarks } from "../../agent/parser.ts";
import { resolveInputPath, type ResolvedConfig } from "../../runs/config.ts";
import { type DialogueFile, openDialogueFile } from "../../tasks/formats/shareGptFile.ts";
import { segmentsOf } from "../../tasks/formats/shareGptSegments.ts";

/** The file that the config names; undefined when it names none. @throws ConfigError, DataError */
export function openSftData({ sft }: ResolvedConfig): DialogueFile | undefined {
  if (sft.data === undefined) return undefined;
  return openDialogueFile(resolveInputPath(sft.data, "sft.data"), {
    ...(sft.dataset !== undefined && { dataset: sft.dataset }),
    ...(sft.imageRoot !== undefined && { imageRoot: resolveInputPath(sft.imageRoot, "sft.imageRoot") }),
  });
}

/** Where the data stands. Plain JSON. */
export interface DialoguePosition {
  readonly epoch: number;
  /** Dialogues of the epoch that were looked at. */
  readonly seen: number;
  /** Rows left out in the first epoch, being longer than agent.maxContextTokens. */
  readonly tooLong: readonly number[];
}

export interface DialogueDatums {
  /** Every epoch in an order of its own. @throws DataError for a picture that cannot be read or shown */
  readonly data: AsyncIterable<Datum>;
  /** Behind the datums given so far. */
  position(): DialoguePosition;
}

/** @param from the position to go on from; the beginning by default */
export function dialogueDatums(
  file: DialogueFile,
  config: Pick<ResolvedConfig, "seed" | "sft" | "agent">,
  codec: Codec,
  marks: Pick<ProtocolMarks, "codeClose" | "answerClose">,
  reporter: Reporter,
  from: DialoguePosition = { epoch: 0, seen: 0, tooLong: [] },
): DialogueDatums {
  const { maxContextTokens } = config.agent;
  const left = new Set(from.tooLong);
  const order = file.dialogues.map((_, i) => i);
  let { epoch, seen } = from;
  async function* data(): AsyncGenerator<Datum, void, undefined> {
    for (; epoch < config.sft.epochs; epoch++, seen = 0) {
      const shuffled = randomStream(config.seed, "sft", epoch).shuffle(order);
      while (seen < shuffled.length) {
        const index = shuffled[seen++] as number;
        const dialogue = file.dialogues[index];
        if (dialogue === undefined || left.has(index)) continue;
        const views = (await file.images(index)).map((image) =>
          viewOf(image, `${file.path} row ${index}`, codec),
        );
        const datum = datumFromSegments(segmentsOf(dialogue, views, codec, marks), 0, codec.imagePadId);
        if (datum.tokens.length <= maxContextTokens) yield datum;
        else left.add(index);
      }
      if (epoch > 0 || left.size === 0) continue;
      const which = `${left.size} of ${order.length} dialogues are longer than agent.maxContextTokens (${maxContextTokens})`;
      if (left.size === order.length)
        throw new DataError(`${file.path}: ${which}, so nothing is left to train on; raise it`);
      reporter.warn(`${which} and were left out`);
    }
  }
  return { data: data(), position: () => ({ epoch, seen, tooLong: [...left] }) };
}

function viewOf(image: RgbImage, row: string, codec: Codec): ViewImage {
  try {
    return codec.viewImage(image);
  } catch (error) {
    throw new DataError(`${row}: ${(error as Error).message}`, { cause: error });
  }
}
