// OpenCV. Its functions take nothing but pictures, so a call counts even where the argument is not known.
import { argument, numberOf } from "../cell.ts";
import { listOf, NUMBER, NUMBERS, picture, plain, UNKNOWN } from "../values.ts";
import type { Value } from "../values.ts";
import { resizedTo, scaledBy } from "./geometry.ts";
import { adjusts, constant, does, gives, named, same, subject } from "./library.ts";
import type { Handler, Library, Use } from "./library.ts";

const pair = (first: Value, second: Value): Value => ({ type: "tuple", items: [first, second] });

const resize: Handler = (use) => {
  const { args, cell } = use;
  const size = argument(args, 1, "dsize");
  if (size !== undefined && size.type !== "none" && numberOf(size) !== 0)
    return resizedTo(subject(use), size, cell);
  return scaledBy(subject(use), argument(args, 3, "fx") ?? argument(args, 4, "fy"), cell);
};

const convert: Handler = (use) => {
  const code = argument(use.args, 1, "code");
  const name = code?.type === "symbol" ? code.path : "";
  const reorders = [
    "BGR2RGB",
    "RGB2BGR",
    "GRAY2RGB",
    "GRAY2BGR",
    "BGRA2RGB",
    "RGBA2RGB",
    "RGBA2BGR",
    "BGRA2BGR",
  ].some((pair_) => name === `cv2.COLOR_${pair_}`);
  return reorders ? subject(use) : { ...subject(use), adjusted: true };
};

const threshold: Handler = (use) => {
  use.cell.add("filter");
  return pair(NUMBER, plain(subject(use)));
};

const components: Handler = (use) => {
  use.cell.add("segment");
  return { type: "tuple", items: [NUMBER, plain(subject(use), "mask"), NUMBERS, NUMBERS] };
};

/** Drawing changes the picture in place and gives it back. */
const draws: Handler = (use) => {
  use.cell.add("draw");
  return subject(use);
};

const masks: Handler = (use: Use) => {
  const mask = use.args.named.get("mask");
  if (mask !== undefined && mask.type !== "none") use.cell.add("segment");
  return subject(use);
};

const looks: Handler = ({ args, cell }) => {
  cell.looksAt(args.positional[1] ?? UNKNOWN);
  return UNKNOWN;
};

export const OPENCV: Library = new Map<string, Handler>([
  ...named("imread imdecode", constant(picture("array"))),
  ...named("VideoCapture", constant({ type: "helper", kind: "capture" })),
  ...named("resize", resize),
  ...named("pyrUp", does("zoom")),
  ...named("pyrDown copyMakeBorder", same),
  ...named("split", (use) => listOf({ ...subject(use), adjusted: true })),
  ...named("merge extractChannel applyColorMap", adjusts),
  ...named("cvtColor", convert),
  ...named(
    "equalizeHist convertScaleAbs normalize LUT addWeighted detailEnhance bitwise_not stylization " +
      "edgePreservingFilter decolor",
    does("enhance"),
  ),
  ...named("createCLAHE", constant({ type: "helper", kind: "equaliser" })),
  ...named(
    "GaussianBlur blur medianBlur bilateralFilter boxFilter Canny Sobel Laplacian Scharr filter2D sepFilter2D " +
      "adaptiveThreshold erode dilate morphologyEx fastNlMeansDenoising fastNlMeansDenoisingColored " +
      "distanceTransform absdiff subtract dft",
    does("filter"),
  ),
  ...named("threshold", threshold),
  ...named("inRange", does("segment", "mask")),
  ...named("findContours", gives("segment", pair(listOf(NUMBERS), NUMBERS))),
  ...named("connectedComponents connectedComponentsWithStats", components),
  ...named(
    "watershed grabCut kmeans floodFill HoughLines HoughLinesP HoughCircles matchTemplate goodFeaturesToTrack " +
      "cornerHarris pyrMeanShiftFiltering selectROI",
    gives("segment", NUMBERS),
  ),
  ...named(
    "ORB_create SIFT_create QRCodeDetector CascadeClassifier SimpleBlobDetector_create",
    constant({
      type: "helper",
      kind: "finder",
    }),
  ),
  ...named(
    "contourArea arcLength boundingRect minAreaRect minEnclosingCircle fitEllipse moments countNonZero " +
      "pointPolygonTest mean meanStdDev minMaxLoc calcHist compareHist matchShapes approxPolyDP convexHull HuMoments",
    gives("measure", NUMBERS),
  ),
  ...named(
    "rotate flip transpose warpAffine warpPerspective remap hconcat vconcat warpPolar",
    does("transform"),
  ),
  ...named("bitwise_and bitwise_or bitwise_xor", masks),
  ...named(
    "rectangle line circle ellipse putText polylines fillPoly fillConvexPoly drawContours arrowedLine drawMarker " +
      "drawKeypoints drawMatches",
    draws,
  ),
  ...named("imshow", looks),
]);
