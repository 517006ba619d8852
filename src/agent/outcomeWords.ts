// What running a program came to, in words for a person.
import type { EndReason, ToolOutcome } from "../core/trajectory.ts";
import { plainText } from "../core/plainText.ts";

export function outcomeWords(outcome: ToolOutcome): string {
  switch (outcome.type) {
    case "ok":
      return "ok";
    case "pythonError":
      return `python error (${plainText(outcome.errorType)})`;
    case "timeout":
      return `timeout after ${outcome.limitMs / 1000} s`;
    case "outOfMemory":
      return "out of memory";
    case "outputLimit":
      return `more than ${outcome.limitBytes} bytes of output`;
    case "killed":
      return `killed (${plainText(outcome.reason)})`;
    case "forbidden":
      return `forbidden (${plainText(outcome.reason)})`;
    default:
      return outcome satisfies never;
  }
}

/** Why there is no answer, and what may help. */
export function endWords(end: EndReason): string {
  switch (end.type) {
    case "answered":
      return "answered";
    case "turnLimit":
      return "its turns are used up; --set agent.maxTurns allows more";
    case "turnTokenLimit":
      return "its last turn was cut; --set agent.maxTurnTokens allows longer ones";
    case "contextLimit":
      return "the context is full; --set agent.maxContextTokens allows more, as far as the model does";
    case "imageLimit":
      return "the context holds as many images as it may; --set agent.maxImages allows more";
    case "noAction":
      return "its last turn has neither code nor an answer to act on";
    case "pythonError":
      return "its program failed";
    case "sandboxFailure":
      return `the Python tool broke: ${plainText(end.message)}`;
    default:
      return end satisfies never;
  }
}
