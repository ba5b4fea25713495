// Taking samples away: the image that is shown, or those of a range of steps as a moving picture.

import { type ReactNode, useState } from "react";
import { path } from "../api/http";
import { useJobShown } from "../job/context";
import { count } from "../ui/format";
import { Dialog } from "../ui/parts";
import { Icon } from "./icons";
import { type AnimationForm, type AnimationPlan, LIMITS, planned } from "./steps";
import { SPEEDS } from "./usePlayer";
import type { Timeline } from "./useTimeline";

const FORMATS = { gif: "GIF", webp: "WebP", apng: "Animated PNG" } as const;
const SIDES = [128, 256, 384, 512, 768, 1024];

interface Props {
  timeline: Timeline;
  step: number;
  close: () => void;
}

export function Download({ timeline, step, close }: Props) {
  const { job } = useJobShown();
  return (
    <Dialog title="Download samples" close={close}>
      <div className="sample-download">
        <h3>This sample</h3>
        <p>
          <a className="button" href={timeline.url(step)} download={`${job.id}-step-${step}.png`}>
            <Icon name="download" /> PNG of step {count(step)}, {timeline.width} × {timeline.height} pixels
          </a>
        </p>
        <h3>As an animation</h3>
        <Animation timeline={timeline} />
      </div>
    </Dialog>
  );
}

function Animation({ timeline: { steps } }: { timeline: Timeline }) {
  const { job, segment } = useJobShown();
  const [form, setForm] = useState<AnimationForm>({
    format: "gif",
    from: steps[0] ?? 0,
    to: steps.at(-1) ?? 0,
    frames: Math.min(60, Math.max(2, steps.length)),
    framesPerSecond: 10,
    side: 384,
  });
  const plan = planned(steps, form);
  return (
    <>
      <Form form={form} last={job.steps} change={(part) => setForm({ ...form, ...part })} />
      {typeof plan === "string" ? (
        <p className="problem" role="alert">
          {plan}
        </p>
      ) : (
        <Plan form={form} plan={plan} href={addressOf(job.id, segment, form)} />
      )}
    </>
  );
}

const addressOf = (id: string, segment: number | null, form: AnimationForm): string =>
  path(`/v1/jobs/${id}/samples/animation`, {
    format: form.format,
    from_step: form.from,
    to_step: form.to,
    frames: form.frames,
    frames_per_second: form.framesPerSecond,
    side: form.side,
    segment: segment || null,
  });

interface FormProps {
  form: AnimationForm;
  /** The step that the job ends at. */
  last: number;
  change: (part: Partial<AnimationForm>) => void;
}

const Form = ({ form, last, change }: FormProps) => (
  <div className="sample-form">
    <Choice
      label="Format"
      value={form.format}
      options={Object.entries(FORMATS)}
      set={(value) => change({ format: value as AnimationForm["format"] })}
    />
    <Amount label="From step" value={form.from} bounds={[0, form.to]} set={(from) => change({ from })} />
    <Amount label="To step" value={form.to} bounds={[form.from, last]} set={(to) => change({ to })} />
    <Amount label="Images, at most" value={form.frames} bounds={LIMITS.frames} set={(frames) => change({ frames })} />
    <Choice
      label="Speed"
      value={String(form.framesPerSecond)}
      options={SPEEDS.map((speed) => [String(speed), `${speed} a second`])}
      set={(value) => change({ framesPerSecond: Number(value) })}
    />
    <Choice
      label="Size, at most"
      value={String(form.side)}
      options={SIDES.map((side) => [String(side), `${side} pixels`])}
      set={(value) => change({ side: Number(value) })}
    />
  </div>
);

/** What would be made, and where it is to be had. */
const Plan = ({ form, plan, href }: { form: AnimationForm; plan: AnimationPlan; href: string }) => (
  <>
    <p className="muted">
      {plan.shown === plan.there
        ? `All ${count(plan.there)} samples`
        : `${count(plan.shown)} of ${count(plan.there)} samples, evenly chosen`}
      , steps {count(form.from)} to {count(form.to)}; runs for {plan.seconds.toFixed(1)} s.
    </p>
    <p>
      <a className="button primary" href={href} download>
        <Icon name="download" /> {FORMATS[form.format]} of {count(plan.shown)} {plan.shown === 1 ? "sample" : "samples"}
      </a>
    </p>
  </>
);

const Field = ({ label, children }: { label: string; children: ReactNode }) => (
  <label>
    <span>{label}</span>
    {children}
  </label>
);

function Choice(props: { label: string; value: string; options: [string, string][]; set: (value: string) => void }) {
  return (
    <Field label={props.label}>
      <select value={props.value} onChange={(event) => props.set(event.target.value)}>
        {props.options.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </Field>
  );
}

interface AmountProps {
  label: string;
  value: number;
  bounds: readonly [number, number];
  set: (value: number) => void;
}

const Amount = ({ label, value, bounds, set }: AmountProps) => (
  <Field label={label}>
    <input
      type="number"
      min={bounds[0]}
      max={bounds[1]}
      value={Number.isNaN(value) ? "" : value}
      onChange={(event) => set(event.target.valueAsNumber)}
    />
  </Field>
);
