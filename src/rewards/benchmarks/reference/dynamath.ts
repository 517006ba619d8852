// DynaMath's own program (598c3c3) and VLMEvalKit's (e8e78f05), quirks kept: scores were published with them.
import { pyFloat, pyIsDigit, pySplitSpaces } from "../python.ts";

const TOLERANCE = 0.001;

/** The authors' verdict. @param answer the value of "short answer" as text, `type` float, multiple choice or another */
export function dynamathScore(answer: string, truth: string, type: string): 0 | 1 {
  if (type === "float") {
    const given = pyIsDigit(answer) ? pyFloat(answer) : firstNumber(answer);
    return isClose(given, truth) ? 1 : 0;
  }
  if (type !== "multiple choice") return answer.includes(truth) ? 1 : 0;
  const characters = [...answer];
  const isRight =
    characters.length === 1 ? answer === truth : characters.slice(0, 3).join("").includes(truth);
  return isRight ? 1 : 0;
}

/** "2π" of "2π radians", "2" of "2 π"; π by itself is no number. */
function firstNumber(text: string): number | undefined {
  const [first = ""] = pySplitSpaces(text);
  const [before = "", ...after] = first.split("π");
  const number = pyFloat(before);
  return number === undefined || after.length === 0 ? number : number * Math.PI;
}

function isClose(given: number | undefined, truth: string): boolean {
  const wanted = pyFloat(truth);
  return given !== undefined && wanted !== undefined && Math.abs(given - wanted) <= TOLERANCE;
}

/** Value of "short answer" in the object that a text is or holds; undefined where there is none. */
export function shortAnswer(text: string): unknown {
  for (const candidate of [text, withoutBackslashes(text)]) {
    const parsed = parsedJson(candidate);
    if (typeof parsed === "object" && parsed !== null && Object.hasOwn(parsed, "short answer"))
      return (parsed as Record<string, unknown>)["short answer"];
  }
  return undefined;
}

/** From the first brace to the last, LaTeX's backslashes being no JSON. */
function withoutBackslashes(text: string): string {
  const [start, end] = [text.indexOf("{"), text.lastIndexOf("}")];
  return (start >= 0 && start < end ? text.slice(start, end + 1) : text).replaceAll("\\", "");
}

/** Control characters within strings are let pass, as Python's `strict=False` does. */
function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/[\u0000-\u001f]/g, " "));
  } catch {
    return undefined;
  }
}

export interface VlmEvalKitVerdict {
  /** What it would give if the model that it asks for an answer's form replied nothing of use. */
  readonly score: 0 | 1;
  /** What was read; undefined where it asks that model. */
  readonly extracted: string | number | undefined;
}

/** Its test of texts is the wrong way round: an answer is right that the truth contains, an empty one always. */
export function vlmevalkitDynamath(prediction: string, truth: string, type: string): VlmEvalKitVerdict {
  const text = withoutBackslashes(prediction);
  const parsed = shortAnswer(text);
  const extracted = (typeof parsed === "string" ? readAs(parsed, type) : undefined) ?? readAs(text, type);
  const isRight = (): boolean => {
    if (type === "float") return typeof extracted === "number" && isClose(extracted, truth);
    if (type !== "multiple choice") return truth.toLowerCase().includes(String(extracted).toLowerCase());
    if (extracted !== undefined) return extracted === truth;
    return [...text].slice(0, 3).join("").toUpperCase().includes(truth);
  };
  return { score: isRight() ? 1 : 0, extracted };
}

function readAs(answer: string, type: string): string | number | undefined {
  if (type === "float") return pyIsDigit(answer) ? pyFloat(answer) : firstNumber(answer);
  if (type !== "multiple choice") return answer;
  const capitals = answer.toUpperCase();
  if ([...answer].length === 1) return capitals;
  const [only, ...more] = [..."ABCDE"].filter((letter) => capitals.includes(letter));
  return more.length === 0 ? only : undefined;
}
