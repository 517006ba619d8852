// The judge that a recipe's `reward.judge` names: its connection, its prompts, and what is noted of each verdict.
import { createHash } from "node:crypto";
import type { ChatClient } from "../../engines/openai/chat.ts";
import { openAiClient } from "../../engines/openai/client.ts";
import type { ItemJudge } from "../../rewards/itemVerdict.ts";
import { fileCache, memoryCache } from "../../rewards/judge/cache.ts";
import { createJudge, type Judge } from "../../rewards/judge/judge.ts";
import { judgeMessages, type JudgePrompt, loadJudgePrompt } from "../../rewards/judge/prompt.ts";
import type { AnswerForm } from "../../rewards/rules/choose.ts";
import type { ResolvedConfig } from "../../runs/config.ts";

export type JudgeConfig = NonNullable<ResolvedConfig["reward"]["judge"]>;

/** Makes a judge's connection. */
export type JudgeClient = (judge: JudgeConfig) => ChatClient;

export const connectJudge: JudgeClient = (judge) =>
  openAiClient({
    baseUrl: judge.baseUrl,
    model: judge.model,
    apiKeyVariable: judge.apiKeyVariable,
    requestTimeoutSeconds: judge.requestTimeoutSeconds,
    deadlineSeconds: judge.deadlineSeconds,
    maxRetries: judge.maxRetries,
    maxConcurrent: judge.maxConcurrent,
  });

export interface OpenedJudge extends Judge {
  /** Its verdicts with what they were given by. */
  readonly items: ItemJudge;
}

/** @throws ConfigError for a prompt that cannot be read */
export function judgeOf(config: JudgeConfig, client: ChatClient): OpenedJudge {
  const loaded = new Map<string, JudgePrompt>();
  const load = (name: string): JudgePrompt => {
    const prompt = loaded.get(name) ?? loadJudgePrompt(name);
    loaded.set(name, prompt);
    return prompt;
  };
  // A file that cannot be read is told before the first answer, not at it.
  for (const name of [...Object.values(config.prompts), ...(config.prompt === "auto" ? [] : [config.prompt])])
    load(name);
  const { temperature, seed, maxTokens, maxCalls, cache } = config;
  const promptFor = (kind: string, form: AnswerForm): JudgePrompt => {
    const named = Object.hasOwn(config.prompts, kind) ? config.prompts[kind] : undefined;
    return load(named ?? (config.prompt === "auto" ? form : config.prompt));
  };
  const judge = createJudge({
    client,
    promptFor,
    cache: cache === "off" ? memoryCache() : fileCache(cache),
    temperature,
    seed,
    maxTokens,
    ...(maxCalls !== undefined && { maxCalls }),
  });
  const hashes = new Map<JudgePrompt, string>();
  const hashOf = (prompt: JudgePrompt): string => {
    const hash = hashes.get(prompt) ?? promptHash(prompt);
    hashes.set(prompt, hash);
    return hash;
  };
  const ask: ItemJudge["ask"] = async (graded, form) => {
    const verdict = await judge.outcome(graded, form);
    const why = verdict === "failed" || verdict === "overBudget" ? judge.lastFailure() : undefined;
    return {
      model: config.model,
      promptHash: hashOf(promptFor(graded.kind, form)),
      verdict,
      ...(why !== undefined && { failure: why }),
    };
  };
  return { ...judge, items: { model: config.model, ask } };
}

/** SHA-256 of all that a prompt says, with empty texts in the place of the case. */
function promptHash(prompt: JudgePrompt): string {
  const texts = judgeMessages(prompt, { question: "", truth: "", answer: "" }).flatMap(
    ({ role, content }) => [role, ...content.map((part) => (part.type === "text" ? part.text : ""))],
  );
  return createHash("sha256").update(texts.join("\n")).digest("hex");
}
