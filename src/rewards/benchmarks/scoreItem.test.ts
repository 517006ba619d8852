// Rules first, then the judge, then nobody: who scored is told, and what nobody decided earns nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Turn } from "../../core/trajectory.ts";
import { type ItemJudge, itemReward, type JudgeNote } from "../itemVerdict.ts";
import type { Graded } from "../verdict.ts";
import { scoreItem } from "./scoreItem.ts";
import {
  type BenchmarkScorer,
  declined,
  type Profile,
  type Response,
  scored,
  type ScoredFields,
} from "./scorer.ts";

const item: ScoredFields = {
  benchmark: "vstar",
  questionType: "multi-choice",
  question: "Which?\nA. red\nB. blue",
  answer: "B",
  options: [{ letter: "A", text: "red" }, { letter: "B", text: "blue" }], // prettier-ignore
  details: {},
};

const seen: { response: Response; profile: Profile }[] = [];
/** Decides letters alone, of what was extracted. */
const scorer: BenchmarkScorer = {
  profiles: ["default", "official"],
  differences: [],
  score: ({ answer }, response, profile) => {
    seen.push({ response, profile });
    const { extracted = "" } = response;
    return /^[A-Z]$/.test(extracted)
      ? scored(extracted === answer ? 1 : 0, extracted)
      : declined(response.extracted);
  },
};

function judgeSaying(verdict: JudgeNote["verdict"]): ItemJudge & { readonly asked: [Graded, string][] } {
  const asked: [Graded, string][] = [];
  return {
    model: "j",
    asked,
    ask: async (graded, form) => {
      asked.push([graded, form]);
      return { model: "j", promptHash: "h", verdict };
    },
  };
}

const said = (text: string, answer?: string): { turns: Turn[]; answer?: string } => ({
  turns: [{ text, action: { type: "none", reason: "" }, tokenCount: 1, stop: "stop" }],
  ...(answer !== undefined && { answer }),
});
const options = { scorer, profile: "official" as const, maxAnswerChars: 40 };

test("the scorer reads the last turn whole, what was boxed in it, and the profile", async () => {
  assert.deepEqual(await scoreItem(item, said("so <answer>B", "B"), options), {
    stage: "rule",
    score: 1,
    extracted: "B",
  });
  assert.deepEqual(seen.at(-1), { response: { raw: "so <answer>B", extracted: "B" }, profile: "official" });
});

test("what rules leave open is the judge's, asked in the form of the item", async () => {
  const judge = judgeSaying("right");
  const verdict = await scoreItem(item, said("…", "the blue one"), { ...options, judge });
  const note = { model: "j", promptHash: "h", verdict: "right" };
  assert.deepEqual(verdict, { score: 1, stage: "judge", extracted: "the blue one", judge: note });
  const graded = { question: item.question, answer: "the blue one", truth: "B", kind: "multi-choice" };
  assert.deepEqual(judge.asked, [[graded, "choice"]]);
});

test("the judge reads the question that stands in the picture", async () => {
  const judge = judgeSaying("right");
  const drawn = { ...item, question: "It is in the picture.", details: { questionForEval: "How large?" } };
  await scoreItem(drawn, said("…", "4 cm"), { ...options, judge });
  assert.equal(judge.asked[0]?.[0].question, "How large?");
});

test("a judge that cannot tell decides, one that fails does not; without one nobody does", async () => {
  const stageOf = async (judge?: ItemJudge): Promise<unknown[]> => {
    const { score, stage } = await scoreItem(item, said("…", "blue?"), {
      ...options,
      ...(judge && { judge }),
    });
    return [score, stage];
  };
  assert.deepEqual(await stageOf(judgeSaying("wrong")), [0, "judge"]);
  assert.deepEqual(await stageOf(judgeSaying("undecided")), [0, "judge"]);
  assert.deepEqual(await stageOf(judgeSaying("failed")), [0, "none"]);
  assert.deepEqual(await stageOf(judgeSaying("overBudget")), [0, "none"]);
  assert.deepEqual(await stageOf(), [0, "none"]);
});

test("nothing and a flood of words are wrong without a judge", async () => {
  const judge = judgeSaying("right");
  for (const turn of [said("  "), said("x".repeat(41)), said("…", "y".repeat(41))])
    assert.deepEqual(
      (({ score, stage }) => [score, stage])(await scoreItem(item, turn, { ...options, judge })),
      [0, "rule"],
    );
  assert.equal(judge.asked.length, 0);
});

test("as a reward: right from half a point on, the parts beside it", () => {
  assert.deepEqual(itemReward({ score: 0.5 }), { total: 0.5, accuracy: 1, toolCall: 0, score: 0.5 });
  assert.deepEqual(itemReward({ score: 0.4 }), { total: 0.4, accuracy: 0, toolCall: 0, score: 0.4 });
});
