// The number in an answer to VSI-Bench under the default rule: the answer as a whole must be one, with a unit, with the counted
// thing or with "about" before it, in digits or in words.
import { compareMeasures } from "../rules/compareUnits.ts";
import { measuresOf, numberOfMeasure, numeric } from "../rules/measure.ts";
import { withoutCounted } from "../rules/number.ts";
import { unwrapped } from "../rules/text.ts";
import { pyFloat } from "./python.ts";

const ABOUT = /^(?:(?:about|around|approximately|approx\.?|roughly|nearly|almost) |[~≈]\s*)(?=\S)/i;

/** Words after a number that make it another, or one of several. */
const CHANGES =
  /\d|\b(?:or|and|to|not|than|if|but|between|half|quarter|dozen|hundred|thousand|million|maybe|minus|plus|times)\b/i;

/**
 * In the unit that the question asks for, if it names one: "150 cm" is 1.5 where meters are asked for. A unit of another kind,
 * "20 m" for an area, is passed over, as the authors pass over every unit.
 */
export function numberIn(answer: string, question: string): number | undefined {
  const text = unwrapped(unwrapped(answer).replace(ABOUT, ""));
  const measure = measuresOf(withoutCounted(text, question), question)[0];
  const number = measure && numberOfMeasure(measure);
  if (measure === undefined || number === undefined) return leadingNumber(text);
  const units = compareMeasures(measure, { value: numeric(number) }, question, "units");
  return number * (units.type === "comparable" ? (units.factors[0] ?? 1) : 1);
}

/** "1.5 meters apart": the authors' rule, which reads the first word, where nothing after it is another number. */
function leadingNumber(text: string): number | undefined {
  const [, number = "", rest = ""] = /^(\S+) (.*)$/s.exec(text) ?? [];
  const value = pyFloat(number);
  return value === undefined || !Number.isFinite(value) || CHANGES.test(rest) ? undefined : value;
}
