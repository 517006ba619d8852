// What LLaMA-Factory (0.9.5) needs to train on dialogues: the rows, a dataset_info.json that says how they are laid out, and
// a training file. All three lie in one folder with the pictures; the training file is started inside that folder.
import { stringify } from "yaml";
import { type Dialogue, dialogueRow, MESSAGES_LAYOUT } from "./shareGpt.ts";

export const DIALOGUES_FILE = "dialogues.json";
export const DATASET_INFO_FILE = "dataset_info.json";
export const TRAINING_FILE = "llamafactory.yaml";

/** The text of the rows' file in pieces: a JSON list with one row a line. */
export function* dialoguesText(
  rows: Iterable<{ readonly id: string; readonly dialogue: Dialogue }>,
): Generator<string, void, undefined> {
  let before = "[\n";
  for (const { id, dialogue } of rows) {
    yield before + JSON.stringify(dialogueRow(id, dialogue));
    before = ",\n";
  }
  yield before === "[\n" ? "[]\n" : "\n]\n";
}

/** @param name of the data set, without commas */
export function datasetInfo(name: string): string {
  const l = MESSAGES_LAYOUT;
  const entry = {
    file_name: DIALOGUES_FILE,
    formatting: "sharegpt",
    columns: { messages: l.messages, images: l.images },
    tags: {
      role_tag: l.roleTag,
      content_tag: l.contentTag,
      user_tag: l.userTag,
      assistant_tag: l.assistantTag,
      system_tag: l.systemTag,
    },
  };
  return `${JSON.stringify({ [name]: entry }, null, 2)}\n`;
}

export interface TrainingFile {
  readonly dataset: string;
  /** Name or folder of the model that is trained. */
  readonly model: string;
  readonly learningRate: number;
  readonly epochs: number;
  /** Of the longest dialogue, the tokens with which LLaMA-Factory closes turns included. */
  readonly cutoffTokens: number;
  /** Of a picture; those that are written must lie between, or they would be resized again. */
  readonly minPixels: number;
  readonly maxPixels: number;
}

/** A full fine-tuning of the language model, the vision tower and its projector frozen. */
export function trainingFile(o: TrainingFile): string {
  const sections: readonly (readonly [title: string, keys: Readonly<Record<string, unknown>>])[] = [
    ["model", { model_name_or_path: o.model, image_max_pixels: o.maxPixels, image_min_pixels: o.minPixels }],
    [
      "method",
      {
        stage: "sft",
        do_train: true,
        finetuning_type: "full",
        freeze_vision_tower: true,
        freeze_multi_modal_projector: true,
        freeze_language_model: false,
      },
    ],
    [
      // default_system: a dialogue without a system message stays without one.
      "dataset",
      {
        dataset: o.dataset,
        dataset_dir: ".",
        template: "qwen2_vl",
        default_system: "",
        cutoff_len: o.cutoffTokens,
        preprocessing_num_workers: 4,
        preprocessing_batch_size: 100,
      },
    ],
    [
      "output",
      { output_dir: `saves/${o.dataset}`, logging_steps: 10, save_strategy: "epoch", report_to: "none" },
    ],
    [
      "train",
      {
        per_device_train_batch_size: 1,
        gradient_accumulation_steps: 4,
        gradient_checkpointing: true,
        learning_rate: o.learningRate,
        num_train_epochs: o.epochs,
        lr_scheduler_type: "cosine",
        warmup_steps: 10,
        bf16: true,
      },
    ],
  ];
  const head =
    "# Training file of LLaMA-Factory (0.9.5 or newer). In this folder: llamafactory-cli train " +
    `${TRAINING_FILE}\n# Several GPUs: name a deepspeed or FSDP config of your own here as well.\n`;
  return head + sections.map(([title, keys]) => `\n### ${title}\n${stringify(keys)}`).join("");
}
