// MathVerse: accuracy in each of the five versions of a problem that have a picture, and the mean of the five. "Text Only"
// has none: it is reported by itself and enters nothing else, unless a run is of nothing but it.
import { additive, labelOf, meanOf, present, share } from "./additive.ts";

const IMAGE_VERSIONS = ["Text Dominant", "Text Lite", "Vision Intensive", "Vision Dominant", "Vision Only"];
const TEXT_ONLY = "Text Only";
const SUBJECTS = ["Plane Geometry", "Functions", "Solid Geometry"];

export const mathverseAggregator = additive((item) => item.labels["problem"] ?? item.id, {
  tally: (cluster, add) => {
    for (const score of cluster) {
      const version = labelOf(score, "version");
      const subject = labelOf(score, "subject");
      const medium = version === TEXT_ONLY ? "text" : "image";
      add(`version ${version}`, score.score, 1);
      add(`${medium} subject ${subject}`, score.score, 1);
      add(`${medium} subfield ${subject}: ${labelOf(score, "subfield")}`, score.score, 1);
      add(`${medium} type ${labelOf(score, "type")}`, score.score, 1);
    }
  },
  formulas: (sums) => {
    const versions = present(sums, "version ", [...IMAGE_VERSIONS, TEXT_ONLY]).map((version) =>
      share(version, `version ${version}`),
    );
    const withImage = versions.filter(({ name }) => name !== TEXT_ONLY);
    const medium = withImage.length > 0 ? "image" : "text";
    return {
      headline: meanOf("overall", withImage.length > 0 ? withImage : versions),
      metrics: [
        ...versions,
        ...["subject", "subfield", "type"].flatMap((label) =>
          present(sums, `${medium} ${label} `, label === "subject" ? SUBJECTS : []).map((value) =>
            share(value, `${medium} ${label} ${value}`),
          ),
        ),
      ],
    };
  },
});
