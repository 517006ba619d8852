// TIR-Bench, `Agents-X/TIR-Bench`: a list of questions in JSON, and their pictures as unpacked from data.zip.
import type { BenchmarkItem, BenchmarkLoader } from "./item.ts";
import { itemId, itemOf, type Row } from "./row.ts";
import { benchmarkFiles, findFiles, mediaFolders, openRows, splitOf } from "./rows.ts";

const COLUMNS = {
  text: ["id", "task", "prompt", "answer", "image_1", "image_2", "meta_data"],
  media: [],
};
/** Folders that data.zip may be unpacked into, beside its own. */
const FOLDERS = ["data", "data/data", "images"];

export const tirBench: BenchmarkLoader = {
  name: "tir-bench",
  title: "TIR-Bench",
  splits: ["test"],
  open(path, wanted) {
    const split = splitOf(tirBench, wanted);
    const names = ["TIR-Bench.json", "TIR-Bench.jsonl", "data/TIR-Bench.json"];
    const rows = openRows(findFiles(path, names, "TIR-Bench"), COLUMNS);
    return benchmarkFiles({ benchmark: "tir-bench", split, published: 1215, rows, item });
  },
};

function item(row: Row): BenchmarkItem {
  const task = row.text("task").trim();
  const images = ["image_1", "image_2"].flatMap((name) => row.optionalText(name) ?? []);
  const [image1] = images;
  if (image1 === undefined) throw row.failed("image_1 must be the path of a picture, got nothing");
  const folders = mediaFolders(row.file, FOLDERS);
  const places = (): string[] => images.map((path) => row.find(path, folders));
  const difficulty = task === "jigsaw" ? difficultyOf(row) : undefined;
  return itemOf(
    {
      id: itemId("tir-bench", task, row.text("id")),
      benchmark: "tir-bench",
      kind: task,
      question: row.text("prompt"),
      answer: truthOf(row),
      questionType: task,
      // They lie in the prompt, each task's in a form of its own.
      options: [],
      labels: { task },
      details: { image1, ...(difficulty !== undefined && { difficulty }) },
    },
    row.lazily(places, () => void places()),
  );
}

/** Text or a number; a list as Python writes it. */
function truthOf(row: Row): string {
  const raw = row.raw("answer");
  return Array.isArray(raw) ? `[${row.texts("answer").join(", ")}]` : row.text("answer");
}

/** n of an n×n jigsaw. */
function difficultyOf(row: Row): number {
  const raw = row.raw("meta_data");
  const text = (raw === undefined ? row : row.record("meta_data")).optionalText("difficulty");
  const difficulty = Number(text);
  if (Number.isInteger(difficulty) && difficulty > 0) return difficulty;
  throw row.failed(`meta_data.difficulty must be the n of an n×n jigsaw, got ${text ?? "nothing"}`);
}
