// The reward of PyVision-RL's reference implementation: gates on the response's form, then a judge whose reply is read for a 1.
// Kept to reproduce its numbers; how its replies are read lets "Judgement: 10" and "0 (not 1)" pass for right, and an answer
// that is too long scores 0 and counts as right for the bonus on tool calls all the same.
import { strictAnswer } from "../extract.ts";
import { pyStrip } from "../python.ts";

export interface ReferenceReward {
  /** 0 or 1. */
  readonly score: number;
  readonly isAnswerRight: boolean;
  readonly judgeCalled: boolean;
}

const TOO_LONG = 1000;

/** @param judge called with the answer where the form is right; gives the judge's reply */
export function referenceReward(response: string, judge: (answer: string) => string): ReferenceReward {
  const answer = formatGate(response);
  if (answer === undefined) return { score: 0, isAnswerRight: false, judgeCalled: false };
  const isAnswerRight = readJudgement(judge(answer));
  const score = isAnswerRight && [...answer].length < TOO_LONG ? 1 : 0;
  return { score, isAnswerRight, judgeCalled: true };
}

/** The answer, or undefined where the form is wrong. An empty answer passes. */
export function formatGate(response: string): string | undefined {
  const starts = count(response, "<|vision_start|><|image_pad|>");
  if (starts !== count(response, "<|image_pad|><|vision_end|>")) return undefined;
  const last = response.slice(Math.max(0, response.lastIndexOf("</interpreter>")));
  if (count(last, "<answer>") !== count(last, "</answer>")) return undefined;
  const answer = strictAnswer(response);
  const leaks = ["<interpreter>", "<answer>", "\\boxed"].some((mark) => answer?.includes(mark));
  return leaks ? undefined : answer;
}

const count = (text: string, mark: string): number => text.split(mark).length - 1;

/** Whether a judge's reply says right: any 1 behind its last "Judgement:", else nothing but a 1. */
export function readJudgement(reply: string): boolean {
  const text = pyStrip(reply);
  const mark = "Judgement:";
  const at = text.lastIndexOf(mark);
  return at < 0 ? text === "1" : text.slice(at + mark.length).includes("1");
}
