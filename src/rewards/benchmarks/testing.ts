// For the tests of scorers.
import type { BenchmarkName, Option } from "../../tasks/benchmarks/item.ts";
import type { BenchmarkScorer, Profile, RuleScore, ScoredFields } from "./scorer.ts";

export interface Given {
  readonly benchmark: BenchmarkName;
  readonly questionType: string;
  readonly answer: string;
  readonly question?: string;
  readonly options?: readonly Option[];
  readonly details?: Readonly<Record<string, string | number>>;
}

export const scoredFields = ({
  question = "",
  options = [],
  details = {},
  ...rest
}: Given): ScoredFields => ({
  ...rest,
  question,
  options,
  details,
});

export const lettersOf = (...texts: readonly string[]): readonly Option[] =>
  texts.map((text, i) => ({ letter: String.fromCharCode(65 + i), text }));

/** Score by rule, or "JUDGE". */
export const verdictOf = (result: RuleScore): number | "JUDGE" =>
  result.stage === "rule" ? result.score : "JUDGE";

/** Whether every profile keeps its word on texts of all sorts. @returns what failed, none when all held */
export function brokenPromises(
  scorer: BenchmarkScorer,
  item: ScoredFields,
  texts: readonly string[],
): string[] {
  const broken: string[] = [];
  const holds = (profile: Profile, raw: string, extracted: string | undefined): void => {
    const verdict = verdictOf(scorer.score(item, { raw, extracted }, profile));
    if (verdict !== "JUDGE" && !(verdict >= 0 && verdict <= 1))
      broken.push(`${profile} ${JSON.stringify(raw)}: ${verdict}`);
  };
  for (const profile of scorer.profiles)
    for (const text of texts) {
      holds(profile, text, undefined);
      holds(profile, "", text);
    }
  return broken;
}

/** Texts put together at random of what answers are made of; the same for a seed. */
export function randomTexts(random: { below(n: number): number }, count: number): string[] {
  const parts = [
    ..."AbCz \n.,:;*_-+/\\(){}[]<>$%^=|\"'0129π²，\u0000\ud83d",
    "Answer",
    "\\boxed{",
    "<answer>",
    "</answer>",
    '{"short answer": ',
    "12.5",
    "1e999",
    "\\frac{1}{",
    "nan",
    "not",
    "the ",
  ];
  return Array.from({ length: count }, () =>
    Array.from({ length: random.below(12) }, () => parts[random.below(parts.length)] as string).join(""),
  );
}
