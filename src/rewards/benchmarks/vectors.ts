// Verdicts of the benchmarks' own programs, recorded by running them: the rows that the scorers' tests replay.
import { readFileSync } from "node:fs";

/** One verdict. `extra.profile` names the program; what `expected` is depends on the question type. */
export interface Vector {
  readonly benchmark: string;
  readonly questionType: string;
  readonly profile: string;
  /** Text, but a list of items in rows of aggregates. */
  readonly prediction: unknown;
  readonly groundTruth: unknown;
  readonly extra: Readonly<Record<string, unknown>>;
  readonly expected: unknown;
  /** Program, revision and function. */
  readonly verifiedBy: string;
}

export interface TextVector extends Vector {
  readonly prediction: string;
  readonly groundTruth: string;
}

/** benchmark, question type, profile and the number of rows: all that the file holds, and all that tests must replay. */
export const CLAIMED: readonly (readonly [string, string, string, number])[] = [
  ["V*", "mcq_correct_is_first_option", "pyvision", 10],
  ["V*", "mcq_letter", "lmms-eval", 8],
  ["HRBench", "mcq_rule_pyvision", "pyvision", 7],
  ["HRBench", "mcq_vlmevalkit_can_infer", "vlmevalkit", 11],
  ["HRBench", "aggregate", "vlmevalkit", 1],
  ["HRBench", "judge_reply_parse", "official", 3],
  ["MathVerse", "quick_match", "official", 5],
  ["MathVerse", "trunk_response", "official", 1],
  ["MathVerse", "multi-choice", "lmms-eval", 6],
  ["MathVerse", "free-form", "lmms-eval", 10],
  ["MathVerse", "prefetch", "vlmevalkit", 4],
  ["MathVision", "free-form", "official", 18],
  ["MathVision", "multi-choice", "official", 14],
  ["MathVision", "aggregate", "official", 1],
  ["MathVision", "vlmevalkit_post_check", "vlmevalkit", 12],
  ["WeMath", "extract", "official", 12],
  ["WeMath", "four_dimensional", "official", 2],
  ["DynaMath", "float", "official", 15],
  ["DynaMath", "text", "official", 6],
  ["DynaMath", "multiple choice", "official", 5],
  ["DynaMath", "aggregate_published", "official", 3],
  ["DynaMath", "vlmevalkit_multiple_choice", "vlmevalkit", 5],
  ["DynaMath", "vlmevalkit_float", "vlmevalkit", 3],
  ["DynaMath", "vlmevalkit_text", "vlmevalkit", 2],
  ["TIR-Bench", "color", "official", 11],
  ["TIR-Bench", "ocr", "official", 6],
  ["TIR-Bench", "math", "official", 8],
  ["TIR-Bench", "refcoco", "official", 1],
  ["TIR-Bench", "jigsaw", "official", 5],
  ["TIR-Bench", "symbolic", "official", 6],
  ["TIR-Bench", "rotation_game", "official", 1],
  ["TIR-Bench", "spot_difference", "official", 6],
  ["TIR-Bench", "word_search", "official", 3],
  ["TIR-Bench", "instrument", "official", 6],
  ["VSI-Bench", "object_counting", "official", 7],
  ["VSI-Bench", "object_rel_distance", "official", 2],
  ["VSI-Bench", "object_rel_direction_hard", "official", 1],
  ["VSI-Bench", "object_rel_direction_easy", "official", 1],
  ["VSI-Bench", "route_planning", "official", 1],
  ["VSI-Bench", "obj_appearance_order", "official", 2],
  ["VSI-Bench", "room_size_estimation", "official", 1],
  ["VSI-Bench", "numerical_reward", "pyvision", 7],
  ["VSI-Bench", "rule_match", "pyvision", 3],
  ["VSI-Bench", "na_vlmevalkit_rule", "vlmevalkit", 10],
  ["VSI-Bench", "mca_vlmevalkit_rule", "vlmevalkit", 8],
  ["VSI-Bench", "object_counting", "lmms-eval", 3],
  ["VSI-Bench", "object_abs_distance", "lmms-eval", 1],
  ["math_verify", "parse+verify", "library", 48],
  ["math_verify", "compute_score", "library", 5],
  ["mathruler", "geo3k", "pyvision", 11],
  ["PyVision-RL reward", "format_gate_and_judge", "pyvision", 15],
];

interface Filter {
  readonly questionType?: string;
  readonly profile?: string;
}

/**
 * The rows of a benchmark ("V*"), in the order of the file, narrowed by the filter.
 * @throws Error when there are none, since a test that replays nothing cannot fail
 */
export function vectorsOf(benchmark: string, { questionType, profile }: Filter = {}): readonly Vector[] {
  const rows = allVectors().filter(
    (row) =>
      row.benchmark === benchmark &&
      (questionType === undefined || row.questionType === questionType) &&
      (profile === undefined || row.profile === profile),
  );
  if (rows.length === 0)
    throw new Error(`vectors.jsonl: no rows of ${JSON.stringify([benchmark, questionType, profile])}`);
  return rows;
}

/** As vectorsOf, where answer and truth are text, as in all rows but those of aggregates and judges' replies. */
export function textVectorsOf(benchmark: string, filter: Filter = {}): readonly TextVector[] {
  return vectorsOf(benchmark, filter).map((row) => {
    const { prediction, groundTruth } = row;
    if (typeof prediction !== "string" || typeof groundTruth !== "string")
      throw new Error(`vectors.jsonl: ${row.questionType}: prediction and ground_truth must be text`);
    return { ...row, prediction, groundTruth };
  });
}

let read: readonly Vector[] | undefined;

export function allVectors(): readonly Vector[] {
  read ??= readFileSync(new URL("./vectors.jsonl", import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map(vectorOf);
  return read;
}

interface Row {
  readonly benchmark: string;
  readonly question_type: string;
  readonly prediction: unknown;
  readonly ground_truth: unknown;
  readonly extra: Readonly<Record<string, unknown>> & { readonly profile: string };
  readonly expected: unknown;
  readonly verified_by: string;
}

function vectorOf(line: string): Vector {
  const row = JSON.parse(line) as Row;
  return {
    benchmark: row.benchmark,
    questionType: row.question_type,
    profile: row.extra.profile,
    prediction: row.prediction,
    groundTruth: row.ground_truth,
    extra: row.extra,
    expected: row.expected,
    verifiedBy: row.verified_by,
  };
}
