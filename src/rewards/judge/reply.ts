// Reads the judge's reply. It must be a verdict and nothing else: a search for "right" in a reply would find it in "not right",
// in "right or wrong" and in the answer that the judge quotes.
import type { Verdict } from "../verdict.ts";

const VERDICT = /^(?:verdict: ?)?(right|wrong|unknown)\.?$/i;

/** undefined when it cannot be read. Thoughts between <think> marks before the verdict do not count. */
export function readVerdict(reply: string): Verdict | undefined {
  let text = reply.trim();
  if (text.startsWith("<think>")) {
    const end = text.lastIndexOf("</think>");
    if (end < 0) return undefined;
    text = text.slice(end + "</think>".length).trim();
  }
  return VERDICT.exec(text)?.[1]?.toLowerCase() as Verdict | undefined;
}
