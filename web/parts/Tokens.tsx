// The tokens of a trajectory as they were trained on: which of them the model sampled (the mask), how likely it found
// each, and the advantage they carry. The token under the pointer is told in full below.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { TokensAnswer } from "../../src/viewer/protocol.ts";
import type { TrajectoryJson } from "../../src/runs/trajectoryJson.ts";
import { advantageText, count } from "../data/format.ts";
import { source } from "../data/state.ts";

export interface TokensProps {
  readonly runKey: string;
  readonly set: string;
  readonly index: number;
  readonly trajectory: TrajectoryJson;
  /** NaN: not known. */
  readonly advantage: number;
  /** Whether it was trained on; undefined: not known. */
  readonly trained: boolean | undefined;
}

const modes = {
  logprob: "log-probability",
  advantage: "advantage",
  mask: "mask",
} as const;
type Mode = keyof typeof modes;

/** A sequence may have tens of thousands; the rest of a segment is counted, not drawn. */
const mostPerSegment = 6000;

export function Tokens({ runKey, set, index, trajectory, advantage, trained }: TokensProps) {
  const mode = useSignal<Mode>("logprob");
  const texts = useSignal<TokensAnswer | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const told = useSignal("Point at a token to read its figures.");
  useEffect(() => {
    texts.value = undefined;
    source.tokens(runKey, set, index).then(
      (answer) => (texts.value = answer),
      (error: unknown) => (problem.value = (error as Error).message),
    );
  }, [runKey, set, index]);

  if (problem.value !== undefined) return <p class="notice">{problem.value}</p>;
  const answer = texts.value;
  if (answer === undefined) return <p class="quiet">Reading tokens…</p>;

  const tell = (event: Event): void => {
    const { s, i } = (event.target as HTMLElement).dataset;
    if (s === undefined || i === undefined) return;
    told.value = described(
      trajectory.segments[Number(s)],
      Number(i),
      answer.segments[Number(s)]?.[Number(i)] ?? "",
      { advantage, trained },
    );
  };
  return (
    <section class="tokens" aria-label="Tokens">
      <header class="row">
        <div class="segmented" role="group" aria-label="Colour tokens by">
          {Object.entries(modes).map(([name, label]) => (
            <button
              key={name}
              type="button"
              aria-pressed={mode.value === name}
              onClick={() => (mode.value = name as Mode)}
            >
              {label}
            </button>
          ))}
        </div>
        <Legend mode={mode.value} trained={trained} />
      </header>
      {answer.tokenizer === undefined && (
        <p class="quiet">No tokenizer was found beside this run, so tokens are shown as ids.</p>
      )}
      <div class={`token-stream by-${mode.value}`} onPointerOver={tell} onFocusIn={tell}>
        {trajectory.segments.map((segment, s) =>
          segment.type === "image" ? (
            <span key={s} class="token-image">
              picture · {count(segment.tokenCount, "token")}
            </span>
          ) : (
            <span
              key={s}
              class={`token-segment token-${segment.type === "sampled" ? "sampled" : segment.source}`}
            >
              {(answer.segments[s] ?? []).slice(0, mostPerSegment).map((text, i) => (
                <span
                  key={i}
                  class={classOf(segment, i, mode.value, advantage, trained)}
                  data-s={s}
                  data-i={i}
                >
                  {visible(text)}
                </span>
              ))}
              {segment.tokens.length > mostPerSegment && (
                <span class="token-image">
                  and {count(segment.tokens.length - mostPerSegment, "token")} more
                </span>
              )}
            </span>
          ),
        )}
      </div>
      <p class="token-told" role="status">
        {told.value}
      </p>
    </section>
  );
}

type SegmentJson = TrajectoryJson["segments"][number];

function classOf(
  segment: SegmentJson,
  i: number,
  mode: Mode,
  advantage: number,
  trained: boolean | undefined,
): string {
  if (segment.type !== "sampled") return "token token-given";
  switch (mode) {
    case "mask":
      return `token ${trained === false || segment.unfit !== undefined ? "token-untrained" : "token-masked-in"}`;
    case "advantage": {
      if (trained === false || Number.isNaN(advantage)) return "token token-untrained";
      return `token ${advantage > 0 ? "token-up" : advantage < 0 ? "token-down" : ""} strength-${Math.min(4, Math.ceil(Math.abs(advantage) * 4))}`;
    }
    case "logprob":
      return `token surprise-${surprise(segment.logprobs[i])}`;
  }
}

/** 0 for tokens that were as good as certain, up to 5 for those of under one in a hundred. */
function surprise(logprob: number | undefined): number {
  if (logprob === undefined) return 0;
  return [-0.05, -0.36, -0.92, -2.3, -4.6].filter((edge) => logprob < edge).length;
}

function Legend({ mode, trained }: { readonly mode: Mode; readonly trained: boolean | undefined }) {
  if (mode === "logprob")
    return (
      <p class="legend">
        probability
        {["> 95%", "70", "40", "10", "1", "< 1%"].map((text, i) => (
          <span key={text} class={`token surprise-${i}`}>
            {text}
          </span>
        ))}
      </p>
    );
  if (mode === "advantage")
    return (
      <p class="legend">
        <span class="token token-up strength-3">more of this</span>
        <span class="token token-down strength-3">less of this</span>
        {trained === false && "this trajectory was not trained on"}
      </p>
    );
  return (
    <p class="legend">
      <span class={`token ${trained === false ? "token-untrained" : "token-masked-in"}`}>
        sampled: mask 1
      </span>
      <span class="token token-given">given: mask 0</span>
      {trained === false && "this trajectory was not trained on"}
    </p>
  );
}

function described(
  segment: SegmentJson | undefined,
  i: number,
  text: string,
  { advantage, trained }: { readonly advantage: number; readonly trained: boolean | undefined },
): string {
  if (segment === undefined || segment.type === "image") return "";
  const name = `${JSON.stringify(text)} · id ${segment.tokens[i]}`;
  if (segment.type === "text") return `${name} · ${segment.source} · mask 0, never trained on`;
  const logprob = segment.logprobs[i];
  const chance =
    logprob === undefined
      ? ""
      : ` · log-probability ${logprob.toFixed(4)} nats (${(Math.exp(logprob) * 100).toPrecision(3)}%)`;
  const weight = trained === false ? "not trained on" : `mask 1 · advantage ${advantageText(advantage)}`;
  return `${name} · sampled${chance} · ${segment.unfit ?? weight}`;
}

/** Line ends must be seen, and must end lines. */
function visible(text: string): string {
  return text.replaceAll("\n", "⏎\n");
}
