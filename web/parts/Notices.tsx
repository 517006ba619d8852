// What a person should know before looking: alarms of the runs, files that could not be read.
import { describeCollapse } from "../../src/runs/collapseAlarm.ts";
import type { RunOverview } from "../../src/viewer/protocol.ts";
import { failure, shownRuns } from "../data/state.ts";

export function Alarms({ runs }: { readonly runs: readonly RunOverview[] }) {
  return (
    <>
      {runs.flatMap((run) =>
        run.alarm === undefined ? (
          []
        ) : (
          <p key={run.key} class={`alarm alarm-${run.alarm.type}`} role="alert">
            <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
              <path
                d="M10 2.5 18.5 17h-17Z"
                fill="none"
                stroke="currentColor"
                stroke-width="1.6"
                stroke-linejoin="round"
              />
              <path
                d="M10 8v4.2M10 14.2v.6"
                stroke="currentColor"
                stroke-width="1.8"
                stroke-linecap="round"
              />
            </svg>
            <span>
              <b>{runs.length > 1 ? `${run.key}: ` : ""}</b>
              {sentence(describeCollapse(run.alarm))}
            </span>
          </p>
        ),
      )}
    </>
  );
}

export function Problems() {
  const problems = shownRuns.value.flatMap((run) => run.problems.map((problem) => ({ run, problem })));
  const shown = problems.slice(0, 4);
  return (
    <>
      {failure.value !== undefined && (
        <p class="alarm alarm-collapsed" role="alert">
          <span>{failure.value}</span>
        </p>
      )}
      {shown.length > 0 && (
        <div class="notice problems" role="status">
          <b>Some of what is on disk could not be read; the rest is shown.</b>
          <ul>
            {shown.map(({ run, problem }) => (
              <li key={`${run.key}${problem.file}${problem.message}`}>
                <code>
                  {run.key}/{problem.file}
                </code>{" "}
                {problem.message}
              </li>
            ))}
            {problems.length > shown.length && <li>and {problems.length - shown.length} more</li>}
          </ul>
        </div>
      )}
    </>
  );
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
