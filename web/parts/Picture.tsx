// A picture as the model saw it: at the size it was resized to, enlarged without smoothing, with the grid of its tokens
// on demand. Each token stands for 28 × 28 pixels, two by two patches of 14.
import { signal } from "@preact/signals";
import type { TrajectoryJson } from "../../src/runs/trajectoryJson.ts";
import { count } from "../data/format.ts";
import { source } from "../data/state.ts";
import { remember, remembered } from "../data/theme.ts";

export const enlargements = [1, 2, 4] as const;
export const enlargement = signal<number>(Number(remembered("enlargement") ?? 2));
export const gridShown = signal(false);

export function nextEnlargement(): void {
  const at = enlargements.findIndex((value) => value === enlargement.value);
  enlargement.value = enlargements[(at + 1) % enlargements.length] as number;
  remember("enlargement", String(enlargement.value));
}

export type ImageSegment = Extract<TrajectoryJson["segments"][number], { type: "image" }>;

interface PicturesProps {
  readonly runKey: string;
  readonly images: readonly ImageSegment[];
  /** Of each; with its number when there are several. */
  readonly label: string;
}

export function Pictures({ runKey, images, label }: PicturesProps) {
  if (images.length === 0) return null;
  return (
    <div class="pictures">
      {images.map((image, i) => (
        <Picture key={i} {...{ runKey, image }} label={images.length > 1 ? `${label}, ${i + 1}` : label} />
      ))}
    </div>
  );
}

interface PictureProps extends Pick<PicturesProps, "runKey" | "label"> {
  readonly image: ImageSegment;
}

const patch = 14;

function Picture({ runKey, image, label }: PictureProps) {
  const { image: hash, grid, tokenCount } = image;
  const [, h, w] = grid;
  const [width, height] = [w * patch, h * patch];
  const by = enlargement.value;
  return (
    <figure class="picture">
      <div class="picture-frame" style={{ width: `${width * by}px`, aspectRatio: `${width} / ${height}` }}>
        <img
          src={source.imageUrl(runKey, hash)}
          width={width * by}
          height={height * by}
          alt={`${label}, ${width} by ${height} pixels`}
          loading="lazy"
        />
        {gridShown.value && (
          <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
            <GridLines w={w} h={h} of="under" />
            <GridLines w={w} h={h} of="over" />
          </svg>
        )}
      </div>
      <figcaption>
        <b>{label}</b>
        <span>
          {width} × {height} px · grid {grid.join(" × ")} · {count(tokenCount, "token")}
        </span>
      </figcaption>
    </figure>
  );
}

/** Drawn twice, dark under light, to be seen on any picture. */
function GridLines({ w, h, of }: { readonly w: number; readonly h: number; readonly of: "under" | "over" }) {
  const kind = (i: number): string => `${of} ${i % 2 === 0 ? "cell" : "patch"}`;
  const upTo = (n: number): number[] => Array.from({ length: n + 1 }, (_, i) => i);
  return (
    <>
      {upTo(w).map((i) => (
        <line key={`x${i}`} class={kind(i)} x1={i * patch} x2={i * patch} y1={0} y2={h * patch} />
      ))}
      {upTo(h).map((i) => (
        <line key={`y${i}`} class={kind(i)} y1={i * patch} y2={i * patch} x1={0} x2={w * patch} />
      ))}
    </>
  );
}

export function PictureControls() {
  return (
    <div class="segmented" role="group" aria-label="Pictures">
      {enlargements.map((value) => (
        <button
          key={value}
          type="button"
          aria-pressed={enlargement.value === value}
          onClick={() => {
            enlargement.value = value;
            remember("enlargement", String(value));
          }}
        >
          {value}×
        </button>
      ))}
      <button
        type="button"
        aria-pressed={gridShown.value}
        onClick={() => (gridShown.value = !gridShown.value)}
      >
        grid
      </button>
    </div>
  );
}
