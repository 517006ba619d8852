// A template's prompt for a model that has no tool: the control that tells what the tool is worth. It asks for the answer in the
// marks that the template is read by, and says nothing of code.
import type { PromptTemplate } from "./template.ts";

/** Shorter system messages than this tell no rules (the miniature policy's), and are left out rather than replaced. */
const RULES = 200;

/** Images stand in the context, of videos frames; the system message has the form of the answer and nothing else. */
export function withoutTool(template: PromptTemplate): PromptTemplate {
  const { answerOpen, answerClose } = template;
  const told =
    "You answer questions about images and videos.\n\nFirst reason in plain words. When you are sure, write the final answer, " +
    `short and without explanation, in this form:\n${answerOpen}\\boxed{your answer}${answerClose}`;
  const system = template.system.length < RULES ? "" : told;
  const frames = template.contexts.videoFrames;
  return {
    ...template,
    system,
    user: "{images}{question}",
    contexts: {
      videoFrames: {
        user: "{frames}{question}",
        video: "",
        frame: frames?.frame ?? "{seconds} s: {image}\n",
        system,
      },
    },
  };
}
