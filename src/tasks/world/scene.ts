// What a picture of the mini world contains, and how it is drawn by lot. A scene is a complete, small description:
// the renderer is a pure function of it, so a test can change one bead and compare the pixels.
import type { Random } from "../../core/random.ts";
import { CANVAS_HEIGHT, CANVAS_WIDTH, COLOURS, KINDS, PLACES } from "./vocabulary.ts";
import type { Colour, Kind, Place } from "./vocabulary.ts";
import { drawWeighted } from "./drawWeighted.ts";
import { ALIGNMENT, TILE_SIZE } from "./ground.ts";

export interface PlaceState {
  readonly place: Place;
  /** Missing when the place is empty. */
  readonly bead?: Colour;
  /** Centre of the bead relative to the centre of the place's box, in px; drawn for empty places too. */
  readonly dx: number;
  readonly dy: number;
}

export interface Disc {
  readonly colour: Colour;
  /** Centre in px. */
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

/** Privileged: everything that is in the picture. For the teacher, the contact sheet and tests only. */
export interface Scene {
  readonly kind: Kind;
  /** One state for each of PLACES, in that order. */
  readonly places: readonly PlaceState[];
  /** The places the question names (look: one, compare: two), else empty. */
  readonly asked: readonly Place[];
  /** Places that may hold a bead: the first `placesInUse` of PLACES. */
  readonly placesInUse: number;
  readonly disc?: Disc;
  /** Distance of the bead's colour from the ground in levels. */
  readonly beadAmplitude: number;
  /** Offsets into the ground tiles: coarse x, y, fine x, y, noise x, y; multiples of ALIGNMENT. */
  readonly ground: readonly number[];
}

export interface SceneOptions {
  /** Relative frequencies of the kinds; a kind that is left out has weight 0. */
  readonly weights: Readonly<Partial<Record<Kind, number>>>;
  /** Places in use, 2 to 4. */
  readonly places: number;
  /** 1 is the plainest bead (100 levels off the ground), 0 none. */
  readonly contrast: number;
}

/** Amplitude at contrast 1; with the ground's own range (see ground.ts) nothing ever clips. */
const FULL_AMPLITUDE = 100;
/** Largest distance of a bead's centre from its box's centre along each axis, in px. */
const BEAD_JITTER = 5;
const DISC_RADIUS = 150;

export function drawScene(options: SceneOptions, random: Random): Scene {
  const kind = drawWeighted(KINDS, options.weights, random);
  const inUse = PLACES.slice(0, options.places);
  const beads = new Map<Place, Colour>();
  let asked: readonly Place[] = [];
  let disc: Disc | undefined;
  switch (kind) {
    case "plain":
      disc = drawDisc(random);
      break;
    case "look":
      for (const place of inUse) beads.set(place, random.pick(COLOURS));
      asked = [random.pick(inUse)];
      break;
    case "search":
      beads.set(random.pick(inUse), random.pick(COLOURS));
      break;
    case "compare": {
      for (const place of inUse) beads.set(place, random.pick(COLOURS));
      const [first, second] = random.shuffle(inUse) as [Place, Place];
      const colour = beads.get(first) as Colour;
      const same = random.next() < 0.5;
      beads.set(second, same ? colour : random.pick(COLOURS.filter((other) => other !== colour)));
      asked = [first, second];
      break;
    }
    case "count": {
      const count = random.below(inUse.length + 1);
      for (const place of random.shuffle(inUse).slice(0, count)) beads.set(place, random.pick(COLOURS));
      break;
    }
    default:
      kind satisfies never;
  }
  const places = PLACES.map((place): PlaceState => {
    const bead = beads.get(place);
    const dx = (random.next() * 2 - 1) * BEAD_JITTER;
    const dy = (random.next() * 2 - 1) * BEAD_JITTER;
    return bead === undefined ? { place, dx, dy } : { place, bead, dx, dy };
  });
  return {
    kind,
    places,
    asked,
    placesInUse: inUse.length,
    ...(disc === undefined ? {} : { disc }),
    beadAmplitude: FULL_AMPLITUDE * options.contrast,
    ground: Array.from({ length: 6 }, () => random.below(TILE_SIZE / ALIGNMENT) * ALIGNMENT),
  };
}

/** The bead of a place, or undefined when it is empty. */
export function beadAt(scene: Scene, place: Place): Colour | undefined {
  return scene.places.find((state) => state.place === place)?.bead;
}

/** The answer that grades the scene's question. */
export function answerOf(scene: Scene): string {
  switch (scene.kind) {
    case "plain":
      return known(scene.disc?.colour);
    case "look":
      return known(beadAt(scene, scene.asked[0] as Place));
    case "search":
      return known(scene.places.find((state) => state.bead !== undefined)?.bead);
    case "compare": {
      const [first, second] = scene.asked as [Place, Place];
      return beadAt(scene, first) === beadAt(scene, second) ? "yes" : "no";
    }
    case "count":
      return String(scene.places.filter((state) => state.bead !== undefined).length);
  }
}

/** Every answer the question admits. */
export function validAnswers(scene: Scene): readonly string[] {
  if (scene.kind === "compare") return ["yes", "no"];
  if (scene.kind === "count") return Array.from({ length: scene.placesInUse + 1 }, (_, n) => String(n));
  return COLOURS;
}

function known(colour: Colour | undefined): Colour {
  if (colour === undefined) throw new Error("internal: the scene lacks what its question asks for");
  return colour;
}

function drawDisc(random: Random): Disc {
  const radius = DISC_RADIUS * (0.9 + 0.2 * random.next());
  const within = (size: number): number => radius + random.next() * (size - 2 * radius);
  return { colour: random.pick(COLOURS), x: within(CANVAS_WIDTH), y: within(CANVAS_HEIGHT), radius };
}
