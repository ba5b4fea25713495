// How the curves are drawn, and where to take their numbers.

import { path } from "../api/http";
import { usePlace } from "../job/context";
import { Toggle } from "../ui/parts";
import type { Settings } from "./settings";
import { useShared } from "./shared";

interface Props {
  settings: Settings;
  change: (change: Partial<Settings>) => void;
  /** What the job has that can be chosen. */
  has: { logits: boolean; total: boolean };
}

export function Switches({ settings, change, has }: Props) {
  return (
    <>
      <Drawing settings={settings} change={change} />
      {has.logits && (
        <Toggle on={settings.logits} set={(logits) => change({ logits })}>
          Logits
        </Toggle>
      )}
      {has.total && (
        <Toggle on={settings.total} set={(total) => change({ total })}>
          D + G loss
        </Toggle>
      )}
      <Smoothing settings={settings} change={change} />
    </>
  );
}

type Own = Pick<Props, "settings" | "change">;

/** What can be chosen of any curves. */
export const Drawing = ({ settings, change }: Own) => (
  <>
    <Toggle on={settings.log} set={(log) => change({ log })}>
      Log losses
    </Toggle>
    <Toggle on={settings.bands} set={(bands) => change({ bands })}>
      Min–max bands
    </Toggle>
    <Toggle on={settings.cut} set={(cut) => change({ cut })}>
      Cut outliers
    </Toggle>
  </>
);

export const Smoothing = ({ settings, change }: Own) => (
  <label className="smoothing">
    Smoothing
    <input
      type="range"
      min={0}
      max={0.99}
      step={0.01}
      value={settings.smoothing}
      onChange={(event) => change({ smoothing: Number(event.target.value) })}
    />
    <output>{settings.smoothing.toFixed(2)}</output>
  </label>
);

/** Links to every step of the range as files. */
export function Downloads() {
  const { id, segment } = usePlace();
  const { range, view } = useShared();
  if (segment !== null) return <p className="note">What the job went back from cannot be downloaded here.</p>;
  const link = (format: string) =>
    path(`/v1/jobs/${encodeURIComponent(id)}/metrics/export`, {
      format,
      from_step: view.kind === "all" ? null : range[0],
      to_step: view.kind === "all" ? null : range[1],
    });
  return (
    <p className="note downloads">
      Every step of {view.kind === "all" ? "the run" : "this range"} as a file:{" "}
      <a href={link("csv")} download>
        CSV
      </a>{" "}
      <a href={link("parquet")} download>
        Parquet
      </a>
    </p>
  );
}
