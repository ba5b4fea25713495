// How the curves of a comparison are drawn, and which part of them.

import { labelOf } from "../charts/figures";
import { Drawing, Smoothing } from "../charts/Switches";
import type { Settings } from "../charts/settings";
import { ALL, moved, type Range, type View, zoomed } from "../curves/range";
import { Toggle } from "../ui/parts";
import type { Along } from "./lines";

interface Props {
  metrics: readonly string[];
  chosen: readonly string[];
  choose: (metrics: readonly string[]) => void;
  along: Along;
  setAlong: (along: Along) => void;
  settings: Settings;
  change: (settings: Partial<Settings>) => void;
}

export function Toolbar({ metrics, chosen, choose, along, setAlong, settings, change }: Props) {
  return (
    <div className="compare-tools">
      <Metrics {...{ metrics, chosen, choose }} />
      <fieldset>
        <legend className="sr-only">How they are drawn</legend>
        <label>
          Along{" "}
          <select value={along} onChange={(event) => setAlong(event.target.value as Along)}>
            <option value="step">steps</option>
            <option value="progress">share of each job</option>
          </select>
        </label>
        <Drawing settings={settings} change={change} />
        <Smoothing settings={settings} change={change} />
      </fieldset>
    </div>
  );
}

/** Which metrics have a chart; one of them always does. */
function Metrics({ metrics, chosen, choose }: Pick<Props, "metrics" | "chosen" | "choose">) {
  const toggle = (metric: string, on: boolean) =>
    choose(metrics.filter((each) => (each === metric ? on : chosen.includes(each))));
  return (
    <fieldset>
      <legend className="sr-only">Metrics</legend>
      {metrics.map((metric) => {
        const on = chosen.includes(metric);
        return (
          <Toggle key={metric} on={on} set={() => (!on || chosen.length > 1) && toggle(metric, !on)}>
            {labelOf(metric)}
          </Toggle>
        );
      })}
    </fieldset>
  );
}

/** What drawing across a chart does, by buttons. */
export function ZoomButtons({ range, extent, show }: { range: Range; extent: Range; show: (view: View) => void }) {
  const whole = range[0] <= extent[0] && range[1] >= extent[1];
  const centre = (range[0] + range[1]) / 2;
  return (
    <>
      <button type="button" onClick={() => show(moved(range, -0.5, extent))} disabled={whole}>
        Earlier
      </button>
      <button type="button" onClick={() => show(moved(range, 0.5, extent))} disabled={whole}>
        Later
      </button>
      <button type="button" onClick={() => show(zoomed(range, 0.5, centre, extent))}>
        Zoom in
      </button>
      <button type="button" onClick={() => show(zoomed(range, 2, centre, extent))} disabled={whole}>
        Zoom out
      </button>
      <button type="button" onClick={() => show(ALL)} disabled={whole}>
        All
      </button>
    </>
  );
}
