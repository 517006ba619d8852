// One trajectory, from the question to the reward. Used alone and, twice, for comparing.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RunOverview } from "../../src/viewer/protocol.ts";
import { groupOfRow, type SetTable, type TableGroup } from "../../src/viewer/tableCodec.ts";
import type { TrajectoryJson } from "../../src/runs/trajectoryJson.ts";
import { endReasonText, fateStyle } from "../data/fates.ts";
import { advantageText, count, fixed, grouped, tone } from "../data/format.ts";
import { hrefOf, route } from "../data/route.ts";
import { loadTables, source, tableOf } from "../data/state.ts";
import { type ImageSegment, Pictures } from "./Picture.tsx";
import { rewardExtent, Rewards } from "./Rewards.tsx";
import { Tokens } from "./Tokens.tsx";
import { TurnView } from "./TurnView.tsx";

export interface TrajectoryRef {
  readonly run: RunOverview;
  readonly set: string;
  readonly index: number;
}

export function setTitle(name: string): string {
  const [, stage, number] = /^(.+)-(\d+)$/.exec(name) ?? [];
  if (stage === undefined) return name;
  if (stage === "train") return `step ${Number(number)}`;
  if (stage === "evaluation")
    return Number(number) === 0 ? "evaluation before RL" : `evaluation after step ${Number(number)}`;
  return `${stage} ${Number(number)}`;
}

export function trajectoryHref(run: RunOverview, set: string, index: number): string {
  const { runs } = route.value.params;
  return hrefOf("trajectory", { runs, run: run.key, set, i: index });
}

export function TrajectoryView({
  run,
  set,
  index,
  tokensOpen,
}: TrajectoryRef & { readonly tokensOpen: boolean }) {
  const loaded = useSignal<TrajectoryJson | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  useEffect(() => {
    [loaded.value, problem.value] = [undefined, undefined];
    let wanted = true;
    void loadTables(run.key, [set]);
    source.trajectory(run.key, set, index).then(
      ({ trajectory }) => wanted && (loaded.value = trajectory),
      (error: unknown) => wanted && (problem.value = (error as Error).message),
    );
    return () => (wanted = false);
  }, [run.key, set, index]);

  const table = tableOf(run.key, set);
  const group = table && groupOfRow(table, index);
  if (table === undefined || group === undefined) return <p class="quiet">Reading…</p>;
  const json = loaded.value;
  const advantage = table.advantage[index] as number;
  const fate = table.fates[table.fate[index] as number] ?? "";
  return (
    <article class="trajectory">
      <p class="eyebrow">
        {setTitle(set)} · {group.kind} · member {table.member[index]} · <code>{group.task}</code>
      </p>
      <h2 class="question" dir="auto">
        {json?.question ?? group.question}
      </h2>
      <Verdict table={table} index={index} json={json} />
      <Figures table={table} index={index} group={group} json={json} />
      <Members run={run} set={set} table={table} group={group} index={index} />
      {json === undefined && problem.value === undefined && index < table.stored && (
        <p class="quiet">Reading…</p>
      )}
      {problem.value !== undefined && (
        <p class="notice">{index < table.stored ? problem.value : notStored(table, run, problem.value)}</p>
      )}
      {json !== undefined && (
        <>
          <Turns runKey={run.key} json={json} />
          {tokensOpen && (
            <Tokens
              runKey={run.key}
              set={set}
              index={index}
              trajectory={json}
              advantage={advantage}
              trained={fate === "" ? undefined : fate === "trained"}
            />
          )}
        </>
      )}
    </article>
  );
}

function notStored(table: SetTable, run: RunOverview, reason: string): string {
  if (reason.includes("export")) return reason;
  const limit = run.config["logging.trajectoriesPerStep"];
  if (limit === "0") return "Only its figures were kept: logging.trajectoriesPerStep is 0.";
  return (
    `Only its figures were kept: logging.trajectoriesPerStep${limit === undefined ? "" : ` is ${limit}, which`} stored the ` +
    `first ${table.stored} of this step’s ${table.length} trajectories in full.`
  );
}

function Verdict({
  table,
  index,
  json,
}: {
  readonly table: SetTable;
  readonly index: number;
  readonly json: TrajectoryJson | undefined;
}) {
  const accuracy = table.accuracy[index];
  const [word, tone] =
    accuracy === 1 ? ["right", "good"] : accuracy === 0 ? ["wrong", "bad"] : ["undecided", "unknown"];
  const end = table.ends[table.end[index] as number] ?? "";
  return (
    <p class="verdict">
      <span class={`badge ${tone}`}>{word}</span>
      {json?.answer !== undefined && (
        <span>
          answered{" "}
          <b>
            <bdi>{json.answer}</bdi>
          </b>
        </span>
      )}
      {json !== undefined && (
        <span>
          truth{" "}
          <b>
            <bdi>{json.groundTruth}</bdi>
          </b>
        </span>
      )}
      <span class="quiet">
        {end === "answered" ? "ended with an answer" : `ended: ${endReasonText(end)}`}
      </span>
      {json?.endReason.type === "sandboxFailure" && <span class="quiet">{json.endReason.message}</span>}
    </p>
  );
}

interface FiguresProps {
  readonly table: SetTable;
  readonly index: number;
  readonly group: TableGroup;
  readonly json: TrajectoryJson | undefined;
}

function Figures({ table, index, group, json }: FiguresProps) {
  const fate = table.fates[table.fate[index] as number] ?? "";
  const advantage = table.advantage[index] as number;
  const style = fateStyle(fate);
  const parts = rewardParts(json);
  return (
    <dl class="figures">
      <div class="figure-wide">
        <dt>reward</dt>
        <dd>
          {parts.map(({ name, value }, i) => (
            <span key={name} class="term">
              {i > 0 && <span class="operator">+</span>}
              <span>
                {fixed(value, 2)} <small>{name}</small>
              </span>
            </span>
          ))}
          {parts.length > 0 && <span class="operator">=</span>}
          <b>{fixed(table.reward[index] as number, 2)}</b>
        </dd>
      </div>
      {!Number.isNaN(advantage) && (
        <div>
          <dt>advantage</dt>
          <dd class={tone(advantage)}>{advantageText(advantage)}</dd>
        </div>
      )}
      {group.spread !== null && (
        <div>
          <dt>spread of its group</dt>
          <dd>{group.spread.toFixed(3)}</dd>
        </div>
      )}
      <div>
        <dt>tool calls</dt>
        <dd>
          {table.calls[index]} <small>{table.effective[index]} effective</small>
        </dd>
      </div>
      <div>
        <dt>errors</dt>
        <dd>{table.errors[index]}</dd>
      </div>
      <div>
        <dt>sampled</dt>
        <dd>
          {grouped(table.tokens[index] as number)} <small>tok</small>
        </dd>
      </div>
      {fate !== "" && (
        <div title={style.about}>
          <dt>fate</dt>
          <dd class="fate">
            <i class="swatch" style={{ background: `var(${style.colour})` }} />
            {style.label}
          </dd>
        </div>
      )}
    </dl>
  );
}

/** What the total is made of; the rest is whatever other rewards the config has. */
function rewardParts(json: TrajectoryJson | undefined): { readonly name: string; readonly value: number }[] {
  if (json?.reward === undefined) return [];
  const { total, accuracy, toolCall } = json.reward;
  const rest = total - (accuracy ?? 0) - toolCall;
  return [
    { name: "accuracy", value: accuracy ?? 0 },
    { name: "tool calls", value: toolCall },
    ...(Math.abs(rest) > 1e-6 ? [{ name: "other", value: rest }] : []),
  ];
}

interface MembersProps extends TrajectoryRef {
  readonly table: SetTable;
  readonly group: TableGroup;
}

function Members({ run, set, table, group, index }: MembersProps) {
  if (group.count < 2) return null;
  return (
    <nav class="members" aria-label="Members of the group">
      <Rewards
        table={table}
        group={group}
        extent={rewardExtent(table)}
        current={index}
        hrefOf={(row) => trajectoryHref(run, set, row)}
        height={40}
      />
      <ol>
        {Array.from({ length: group.count }, (_, i) => group.start + i).map((row) => {
          const kind =
            table.accuracy[row] === 1 ? "right" : table.accuracy[row] === 0 ? "wrong" : "undecided";
          return (
            <li key={row}>
              <a
                href={trajectoryHref(run, set, row)}
                class={`member member-${kind}`}
                aria-current={row === index ? "true" : undefined}
                title={`member ${table.member[row]}: ${kind}, reward ${fixed(table.reward[row] as number, 3)}`}
              >
                {table.member[row]}
              </a>
            </li>
          );
        })}
      </ol>
    </nav>
  );
}

function Turns({ runKey, json }: { readonly runKey: string; readonly json: TrajectoryJson }) {
  const prompt: ImageSegment[] = [];
  const ofTurn: ImageSegment[][] = json.turns.map(() => []);
  let turn = -1;
  for (const segment of json.segments) {
    if (segment.type === "sampled") turn++;
    else if (segment.type === "image")
      (turn < 0 ? prompt : (ofTurn[Math.min(turn, ofTurn.length - 1)] ?? prompt)).push(segment);
  }
  return (
    <>
      <Pictures runKey={runKey} images={prompt} label="Shown with the question" />
      <ol class="turns" aria-label={count(json.turns.length, "turn")}>
        {json.turns.map((each, i) => (
          <TurnView key={i} runKey={runKey} number={i + 1} turn={each} images={ofTurn[i] ?? []} />
        ))}
      </ol>
    </>
  );
}
