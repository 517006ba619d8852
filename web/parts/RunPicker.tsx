// Which of the runs on show a page is about; nothing when there is only one.
import type { RunOverview } from "../../src/viewer/protocol.ts";
import { colourNumber } from "../data/state.ts";

export interface RunPickerProps {
  readonly runs: readonly RunOverview[];
  readonly run: RunOverview;
  readonly onPick: (key: string) => void;
}

export function RunPicker({ runs, run, onPick }: RunPickerProps) {
  if (runs.length < 2) return null;
  return (
    <div class="segmented" role="group" aria-label="Run">
      {runs.map(({ key }) => (
        <button key={key} type="button" aria-pressed={key === run.key} onClick={() => onPick(key)}>
          <i class={`dot run-${colourNumber(key)}`} /> {key}
        </button>
      ))}
    </div>
  );
}
