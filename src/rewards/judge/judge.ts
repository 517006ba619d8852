// A language model that decides what rules cannot. What keeps it honest stands around it: equal questions are asked once and
// remembered, its reply must be a verdict and nothing else, and whatever goes wrong is "unknown" with a count, which leaves the
// sample out. How often and how long a server is asked is the client's matter.
import type { ChatClient } from "../../engines/openai/chat.ts";
import type { AnswerForm } from "../rules/choose.ts";
import type { Graded, Verdict } from "../verdict.ts";
import { cacheKey, type VerdictCache } from "./cache.ts";
import { judgeMessages, type JudgePrompt } from "./prompt.ts";
import { readVerdict } from "./reply.ts";

export interface JudgeOptions {
  readonly client: ChatClient;
  /** The prompt for a task of this kind whose answers have this form. */
  readonly promptFor: (kind: string, form: AnswerForm) => JudgePrompt;
  readonly cache: VerdictCache;
  readonly temperature: number;
  readonly seed: number;
  /** Of a reply. */
  readonly maxTokens: number;
  /** Answers asked about in all, those in the cache aside. Default: no bound. */
  readonly maxCalls?: number;
}

/** Answers by what became of them; `asked` and `cached` are all that were decided on in one way or the other. */
export interface JudgeCounts {
  /** Requests made, whatever came of them. */
  readonly asked: number;
  /** Verdicts from the cache, and from a request for the same answer that was under way. */
  readonly cached: number;
  readonly right: number;
  readonly wrong: number;
  /** The judge said that it cannot tell. */
  readonly undecided: number;
  /** No reply, or one that is no verdict. */
  readonly failed: number;
  /** Not asked, since `maxCalls` was reached. */
  readonly overBudget: number;
}

/** `undecided`: it said that it cannot tell. `failed`: no reply, or none that is a verdict. `overBudget`: it was not asked. */
export type JudgeOutcome = "right" | "wrong" | "undecided" | "failed" | "overBudget";

export interface Judge {
  /** Never rejects: `unknown` is for a judge that cannot tell, cannot be reached, is not understood or is not to be asked any more. */
  decide(graded: Graded, form: AnswerForm): Promise<Verdict>;
  /** As `decide`, and says why there is no verdict. */
  outcome(graded: Graded, form: AnswerForm): Promise<JudgeOutcome>;
  counts(): JudgeCounts;
  /** What went wrong the last time; undefined when nothing has. */
  lastFailure(): string | undefined;
}

export function createJudge(options: JudgeOptions): Judge {
  const { client, promptFor, cache, temperature, seed, maxTokens, maxCalls = Infinity } = options;
  const counts = { asked: 0, cached: 0, right: 0, wrong: 0, undecided: 0, failed: 0, overBudget: 0 };
  const underWay = new Map<string, Promise<JudgeOutcome>>();
  let failure: string | undefined;

  const failed = (why: string): JudgeOutcome => {
    failure = why;
    return "failed";
  };

  const ask = async (key: string, messages: ReturnType<typeof judgeMessages>): Promise<JudgeOutcome> => {
    if (counts.asked >= maxCalls) {
      failure = `the budget of ${maxCalls} calls is spent`;
      return "overBudget";
    }
    counts.asked++;
    try {
      const reply = await client.complete({ messages, maxTokens, temperature, topP: 1, stop: [], seed });
      const verdict = reply.stop === "length" ? undefined : readVerdict(reply.text);
      if (verdict === undefined) return failed(unreadable(reply.text, reply.stop));
      cache.set(key, verdict);
      return verdict === "unknown" ? "undecided" : verdict;
    } catch (error) {
      return failed(error instanceof Error ? error.message : String(error));
    }
  };

  const outcomeOf = async (graded: Graded, form: AnswerForm): Promise<JudgeOutcome> => {
    const messages = judgeMessages(promptFor(graded.kind, form), graded);
    const texts = messages.map(({ role, content }) => [
      role,
      content.map((part) => (part.type === "text" ? part.text : "")),
    ]);
    const key = cacheKey([client.model, temperature, seed, maxTokens, texts]);
    const known = cache.get(key);
    let outcome: JudgeOutcome;
    if (known !== undefined) {
      counts.cached++;
      outcome = known === "unknown" ? "undecided" : known;
    } else {
      const already = underWay.get(key);
      if (already !== undefined) counts.cached++;
      const asking = already ?? ask(key, messages).finally(() => underWay.delete(key));
      underWay.set(key, asking);
      outcome = await asking;
    }
    counts[outcome]++;
    return outcome;
  };

  return {
    outcome: outcomeOf,
    decide: async (graded, form) => {
      const outcome = await outcomeOf(graded, form);
      return outcome === "right" || outcome === "wrong" ? outcome : "unknown";
    },
    counts: () => ({ ...counts }),
    lastFailure: () => failure,
  };
}

function unreadable(text: string, stop: "stop" | "length"): string {
  const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
  return stop === "length"
    ? `its reply was cut at maxTokens: ${shown}; raise reward.judge.maxTokens`
    : `its reply is no verdict: ${shown}`;
}
