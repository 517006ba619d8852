// The words a template has for one way of showing media.
import { ConfigError } from "../../core/errors.ts";
import type { ContextTexts, PromptTemplate } from "../template.ts";

type TextsOf<K extends keyof ContextTexts> = NonNullable<ContextTexts[K]> & { readonly system: string };

/** With the system message they are used with. @throws ConfigError when the template leaves them out. */
export function textsOf<K extends keyof ContextTexts>(template: PromptTemplate, name: K): TextsOf<K> {
  const texts = template.contexts[name];
  if (texts === undefined)
    throw new ConfigError(
      `template "${template.name}": contexts.${name} is missing, which agent.context asks for or the task's media ` +
        `need; write it, as in src/agent/templates/standard.yaml`,
    );
  return { ...texts, system: texts.system ?? template.system } as TextsOf<K>;
}
