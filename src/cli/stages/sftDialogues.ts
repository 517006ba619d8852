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

export interface DialogueDatums {
  /** Every epoch in an order of its own. @throws DataError for a picture that cannot be read or shown */
  readonly data: AsyncIterable<Datum>;
  /** Dialogues left out in the first epoch, being longer than agent.maxContextTokens. */
  tooLong(): number;
}

export function dialogueDatums(
  file: DialogueFile,
  config: Pick<ResolvedConfig, "seed" | "sft" | "agent">,
  codec: Codec,
  marks: Pick<ProtocolMarks, "codeClose" | "answerClose">,
  reporter: Reporter,
): DialogueDatums {
  const { maxContextTokens } = config.agent;
  const left = new Set<number>();
  const order = file.dialogues.map((_, i) => i);
  async function* data(): AsyncGenerator<Datum, void, undefined> {
    for (let epoch = 0; epoch < config.sft.epochs; epoch++) {
      for (const index of randomStream(config.seed, "sft", epoch).shuffle(order)) {
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
  return { data: data(), tooLong: () => left.size };
}

function viewOf(image: RgbImage, row: string, codec: Codec): ViewImage {
  try {
    return codec.viewImage(image);
  } catch (error) {
    throw new DataError(`${row}: ${(error as Error).message}`, { cause: error });
  }
}
