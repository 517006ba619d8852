// How answers to questions of data files are graded when the recipe does not say: as the reference does where it has a rule
// (numbers of VSI-Bench, by mean relative accuracy), else by the look of question and truth.
import type { RuleGrader } from "../verdict.ts";
import { ruleGrader } from "./choose.ts";

/** Kinds (`data_source`) whose answers the reference grades as numbers. */
export const isNumericSource = (kind: string): boolean =>
  kind === "vsi_numerical" || kind.endsWith("_rule_verifiable");

const auto = ruleGrader({ type: "auto" });
/** The reference's bound: an error of up to 30%. */
const relative = ruleGrader({ type: "meanRelativeAccuracy", least: 0.5 });

export const gradeFileTask: RuleGrader = (graded) => (isNumericSource(graded.kind) ? relative : auto)(graded);
