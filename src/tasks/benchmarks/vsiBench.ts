// VSI-Bench, `nyu-visionx/VSI-Bench`: questions about videos of rooms as JSON Lines or parquet, the videos as unpacked from three
// archives. `debiased` and `pruned` are later subsets: files of their own, or a column `config` beside the rows of `full`.
import type { BenchmarkItem, BenchmarkLoader, Option } from "./item.ts";
import { optionsOnLines } from "./letters.ts";
import { itemId, type Row, videoItemOf } from "./row.ts";
import { benchmarkFiles, findFiles, lookForFiles, mediaFolders, openRows, splitOf } from "./rows.ts";

const DATASETS = ["arkitscenes", "scannet", "scannetpp"] as const;
const CHOICE_TYPES = [
  "object_rel_direction_easy",
  "object_rel_direction_medium",
  "object_rel_direction_hard",
  "object_rel_distance",
  "route_planning",
  "obj_appearance_order",
] as const;
const NUMBER_TYPES = [
  "object_counting",
  "object_abs_distance",
  "object_size_estimation",
  "room_size_estimation",
] as const;
const isNumber = (type: string): boolean => (NUMBER_TYPES as readonly string[]).includes(type);

const COLUMNS = {
  text: ["id", "dataset", "scene_name", "question_type", "question", "ground_truth", "options", "config"],
  media: [],
};
const FULL = [
  "test.jsonl",
  "data/test-*.parquet",
  "test-*.parquet",
  "full/test*.parquet",
  "test.parquet",
  "test.json",
] as const;
const PUBLISHED = 5130;
/** Folders that the videos' archives may be unpacked into, beside their own. */
const FOLDERS = ["videos", "data"];

export const vsiBench: BenchmarkLoader = {
  name: "vsi-bench",
  title: "VSI-Bench",
  splits: ["full", "debiased", "pruned"],
  open(path, wanted) {
    const split = splitOf(vsiBench, wanted);
    const own = ["parquet", "jsonl"].flatMap((kind) => [`test_${split}.${kind}`, `${split}/test*.${kind}`]);
    const found = split === "full" ? [] : lookForFiles(path, own);
    const files = found.length > 0 ? found : findFiles(path, FULL, "VSI-Bench");
    const rows = openRows(files, COLUMNS);
    // A file of a subset's own need not say so in every row.
    const isItem = (row: Row): boolean =>
      (row.optionalText("config") ?? (found.length > 0 ? split : "full")) === split;
    const opened = benchmarkFiles({
      benchmark: "vsi-bench",
      split,
      published: PUBLISHED,
      rows,
      item,
      isItem,
    });
    // How many the authors' subsets have is not known here: what the file holds counts as all.
    return split === "full" ? opened : { ...opened, published: opened.count };
  },
};

function item(row: Row): BenchmarkItem {
  const type = row.oneOf("question_type", [...CHOICE_TYPES, ...NUMBER_TYPES]);
  const dataset = row.oneOf("dataset", DATASETS);
  const scene = row.text("scene_name");
  const options = optionsOf(row);
  const answer = row.text("ground_truth");
  if (isNumber(type) === options.length > 0)
    throw row.failed(
      isNumber(type)
        ? `options must be null for ${type}, which asks for a number`
        : `options must be a list like ["A. chair", "B. table"] for ${type}`,
    );
  if (options.length > 0 && !options.some(({ letter }) => letter === answer.trim()))
    throw row.failed(`ground_truth must be the letter of an option, got ${JSON.stringify(answer)}`);
  return videoItemOf(
    {
      id: itemId("vsi-bench", row.text("id")),
      benchmark: "vsi-bench",
      kind: type,
      question: asked(row.text("question").trim(), options),
      answer,
      questionType: type,
      options,
      labels: { type, scene, dataset },
      details: {},
    },
    () => [row.find(`${dataset}/${scene}.mp4`, mediaFolders(row.file, FOLDERS))],
  );
}

function optionsOf(row: Row): readonly Option[] {
  const texts = row.texts("options");
  const options = optionsOnLines(texts.join("\n"));
  if (options.length === texts.length) return options;
  throw row.failed(`options must be A. …, B. …, in order, got ${JSON.stringify(texts)}`);
}

function asked(question: string, options: readonly Option[]): string {
  if (options.length === 0) return `${question}\nAnswer with a single number.`;
  const lines = options.map(({ letter, text }) => `${letter}. ${text}`);
  return [question, "Options:", ...lines, "Answer with the letter of the right option."].join("\n");
}
