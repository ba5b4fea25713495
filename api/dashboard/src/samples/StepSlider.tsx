// A slider over the steps that samples were drawn at.

import { useId } from "react";
import { count } from "../ui/format";

/** More marks than this would be one line. */
const MOST_TICKS = 26;

interface Props {
  label: string;
  steps: readonly number[];
  index: number;
  set: (index: number) => void;
  words?: (step: number) => string;
}

const inWords = (step: number) => `step ${count(step)}`;

export function StepSlider({ label, steps, index, set, words = inWords }: Props) {
  const ticks = useId();
  const few = steps.length > 1 && steps.length <= MOST_TICKS;
  const step = steps[index];
  return (
    <div className="step-slider">
      <input
        type="range"
        min={0}
        max={Math.max(0, steps.length - 1)}
        step={1}
        value={Math.max(0, index)}
        disabled={steps.length < 2}
        list={few ? ticks : undefined}
        aria-label={label}
        aria-valuetext={step === undefined ? "no sample" : words(step)}
        onChange={(event) => set(Number(event.target.value))}
      />
      {few && (
        <datalist id={ticks}>
          {steps.map((each, at) => (
            <option key={each} value={at} />
          ))}
        </datalist>
      )}
      <div className="step-ends" aria-hidden="true">
        <span>{words(steps[0] ?? 0)}</span>
        <span>{words(steps.at(-1) ?? 0)}</span>
      </div>
    </div>
  );
}
