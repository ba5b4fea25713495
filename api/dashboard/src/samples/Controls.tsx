// Going through the samples: one by one, by playing them, by the slider.

import { type KeyboardEvent, type ReactNode } from "react";
import { Icon } from "./icons";
import { StepSlider } from "./StepSlider";
import { type Player, SPEEDS } from "./usePlayer";
import type { Timeline } from "./useTimeline";

interface Props {
  timeline: Pick<Timeline, "steps" | "index" | "go">;
  player: Player;
  /** How a step is said; "step 1,200" unless given. */
  words?: (step: number) => string;
}

export function Controls({ timeline, player, words }: Props) {
  const { steps, index } = timeline;
  const last = steps.length - 1;
  const go = (to: number) => {
    player.stop();
    timeline.go(to);
  };
  return (
    <div className="sample-controls">
      <div className="sample-buttons">
        <Mark name="first" label="First sample" off={index <= 0} press={() => go(0)} />
        <Mark name="previous" label="Previous sample" off={index <= 0} press={() => go(index - 1)} />
        <Mark
          name={player.playing ? "pause" : "play"}
          label={player.playing ? "Stop playing" : "Play the samples"}
          off={last < 1}
          press={player.toggle}
        />
        <Mark name="next" label="Next sample" off={index >= last} press={() => go(index + 1)} />
        <Mark name="last" label="Newest sample" off={index >= last} press={() => go(last)} />
        <label className="sample-speed">
          <span className="sr-only">Speed, in samples a second</span>
          <select value={player.speed} onChange={(event) => player.setSpeed(Number(event.target.value))}>
            {SPEEDS.map((speed) => (
              <option key={speed} value={speed}>
                {speed} / s
              </option>
            ))}
          </select>
        </label>
      </div>
      <StepSlider label="Step of the sample" steps={steps} index={index} set={go} words={words} />
    </div>
  );
}

function Mark(props: { name: Parameters<typeof Icon>[0]["name"]; label: string; off: boolean; press: () => void }) {
  return (
    <button type="button" aria-label={props.label} title={props.label} disabled={props.off} onClick={props.press}>
      <Icon name={props.name} />
    </button>
  );
}

/** A part of the page in which the space bar plays and stops, except where it presses what has the focus. */
export function SpaceBar({ player, children }: { player: Player; children: ReactNode }) {
  const press = (event: KeyboardEvent) => {
    const { target } = event;
    const presses = target instanceof HTMLElement && target.closest("button, a, select, input:not([type=range])");
    if (event.key !== " " || presses) return;
    event.preventDefault();
    player.toggle();
  };
  return (
    <div className="sample-keys" onKeyDown={press}>
      {children}
    </div>
  );
}
