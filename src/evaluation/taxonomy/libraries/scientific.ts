// SciPy, scikit-image and scikit-learn: by module, since a module of theirs has one purpose, with the functions that differ.
import type { CodeCategory } from "../categories.ts";
import { argument, pictureIn } from "../cell.ts";
import { NUMBER, NUMBERS, picture, plain, UNKNOWN } from "../values.ts";
import type { Value } from "../values.ts";
import { resizedTo, scaledBy } from "./geometry.ts";
import { adjusts, constant, does, gives, named, same, subject } from "./library.ts";
import type { Handler, Library, Use } from "./library.ts";

const labels: Handler = (use) => {
  use.cell.add("segment");
  const found = plain(subject(use), "mask");
  return { type: "tuple", items: [found, NUMBERS] };
};

const labelled: Handler = does("segment", "mask");

const zoomed: Handler = (use) => scaledBy(subject(use), argument(use.args, 1, "zoom"), use.cell);

const rescaled: Handler = (use) => scaledBy(subject(use), argument(use.args, 1, "scale"), use.cell);

/** Rows come before columns here. */
const reshaped: Handler = (use) => {
  const shape = argument(use.args, 1, "output_shape");
  const turned: Value | undefined =
    shape?.type === "tuple" ? { type: "tuple", items: [...shape.items.slice(0, 2)].reverse() } : shape;
  return resizedTo(subject(use), turned, use.cell);
};

/** Clusters of pixels; of numbers it is arithmetic. */
const clusters: Handler = ({ args, cell }) => {
  cell.add(pictureIn(args) === undefined ? "compute" : "segment");
  return NUMBERS;
};

const FUNCTIONS: Library = new Map<string, Handler>([
  ...named("scipy.ndimage.label", labels),
  ...named("scipy.ndimage.find_objects", gives("segment", NUMBERS)),
  ...named("scipy.ndimage.watershed_ift", labelled),
  ...named("scipy.ndimage.zoom", zoomed),
  ...named("scipy.ndimage.rotate scipy.ndimage.shift scipy.ndimage.affine_transform", does("transform")),
  ...named("scipy.ndimage.map_coordinates scipy.ndimage.geometric_transform", does("transform")),
  ...named(
    "scipy.ndimage.center_of_mass scipy.ndimage.sum scipy.ndimage.sum_labels scipy.ndimage.mean " +
      "scipy.ndimage.maximum scipy.ndimage.minimum scipy.ndimage.maximum_position scipy.ndimage.minimum_position " +
      "scipy.ndimage.histogram scipy.ndimage.extrema scipy.ndimage.median scipy.ndimage.variance",
    gives("measure", NUMBERS),
  ),
  ...named("scipy.signal.convolve2d scipy.signal.correlate2d scipy.signal.medfilt2d", does("filter")),
  ...named("scipy.cluster.vq.kmeans scipy.cluster.vq.kmeans2 scipy.cluster.vq.vq", clusters),
  ...named("skimage.io.imread skimage.data.camera", constant(picture("array"))),
  ...named("skimage.io.imshow", (use) => {
    use.cell.looksAt(subject(use));
    return UNKNOWN;
  }),
  ...named("skimage.measure.label skimage.measure.regionprops skimage.measure.find_contours", labelled),
  ...named("skimage.measure.regionprops_table", gives("segment", NUMBERS)),
  ...named("skimage.feature.canny", does("filter")),
  ...named("skimage.exposure.histogram", gives("measure", NUMBERS)),
  ...named("skimage.transform.resize", reshaped),
  ...named("skimage.transform.rescale skimage.transform.pyramid_expand", rescaled),
  ...named("skimage.transform.hough_line skimage.transform.hough_circle", gives("segment", NUMBERS)),
  ...named(
    "skimage.transform.probabilistic_hough_line skimage.transform.hough_line_peaks",
    gives("segment", NUMBERS),
  ),
  ...named("skimage.color.label2rgb skimage.color.gray2rgb skimage.img_as_ubyte skimage.img_as_float", same),
  ...named("skimage.util.img_as_ubyte skimage.util.img_as_float", same),
  ...named("skimage.util.invert", does("enhance")),
  ...named("skimage.util.crop", does("crop")),
  ...named("skimage.util.montage", does("transform")),
  ...named("skimage.segmentation.mark_boundaries", does("draw")),
  ...named(
    "skimage.filters.threshold_otsu skimage.filters.threshold_li skimage.filters.threshold_mean " +
      "skimage.filters.threshold_yen skimage.filters.threshold_triangle skimage.filters.threshold_isodata",
    gives("filter", NUMBER),
  ),
  ...named("skimage.filters.unsharp_mask", does("enhance")),
]);

const MODULES: readonly (readonly [string, Handler])[] = [
  ["scipy.ndimage.", does("filter")],
  ["skimage.filters.", does("filter")],
  ["skimage.morphology.", does("filter")],
  ["skimage.restoration.", does("filter")],
  ["skimage.feature.", gives("segment", NUMBERS)],
  ["skimage.segmentation.", labelled],
  ["skimage.measure.", gives("measure", NUMBERS)],
  ["skimage.metrics.", gives("measure", NUMBERS)],
  ["skimage.exposure.", does("enhance")],
  ["skimage.transform.", does("transform")],
  ["skimage.color.", adjusts],
  ["skimage.draw.", gives("draw", NUMBERS)],
  ["sklearn.cluster.", constant({ type: "helper", kind: "finder" })],
];

/** Libraries that are asked for what arithmetic alone does not do. */
const SOLVERS = ["sympy", "scipy", "networkx", "statistics", "fractions", "mpmath", "z3", "sklearn"];

export function scientificCall(path: string, use: Use): Value | undefined {
  const exact = FUNCTIONS.get(path);
  if (exact !== undefined) return exact(use);
  const module = MODULES.find(([prefix]) => path.startsWith(prefix));
  if (module !== undefined) return module[1](use);
  if (!SOLVERS.some((name) => path.startsWith(`${name}.`))) return undefined;
  const category: CodeCategory = pictureIn(use.args) === undefined ? "compute" : "measure";
  use.cell.add(category);
  return NUMBERS;
}

/** `KMeans(3).fit(pixels)`, `detector.detectAndDecode(image)`. */
export function finderMethod(use: Use): Value {
  if (pictureIn(use.args) !== undefined) use.cell.add("segment");
  return NUMBERS;
}
