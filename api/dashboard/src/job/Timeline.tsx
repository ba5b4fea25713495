// The image drawn from the same noise as a job trains: at the step looked at, played, side by side, taken away.

import { type ReactNode, useMemo, useState } from "react";
import { Controls, SpaceBar } from "../samples/Controls";
import { Download } from "../samples/Download";
import { Facts } from "../samples/Facts";
import { Icon } from "../samples/icons";
import { Pair } from "../samples/Pair";
import { pictures } from "../samples/pictures";
import { Single } from "../samples/Single";
import { useIsImage } from "../samples/useIsImage";
import { usePreloaded } from "../samples/usePicture";
import { indexAt } from "../samples/steps";
import { type Player, usePlayer } from "../samples/usePlayer";
import { type Timeline as Samples, useTimeline } from "../samples/useTimeline";
import "../styles/samples.css";
import { count } from "../ui/format";
import { Dialog, Empty, Panel, Problem, Toggle } from "../ui/parts";
import { useJobShown } from "./context";

/** How many images beyond the one shown are loaded before they are wanted. */
const AHEAD = { resting: 2, playing: 24 };

export function Timeline() {
  const timeline = useTimeline();
  const { step, error } = timeline;
  if (error)
    return (
      <Box>
        <Problem error={error} retry={timeline.retry} />
      </Box>
    );
  if (step === null) return <Box>{timeline.loading ? <Waiting /> : <NoneYet />}</Box>;
  return <Drawn timeline={timeline} step={step} />;
}

const Box = ({ children }: { children: ReactNode }) => (
  <Panel title="Samples" className="samples">
    <div className="sample-body">{children}</div>
  </Panel>
);

/** What keeps the place of a sample and of all below it. */
const Waiting = () => (
  <>
    <div className="sample-frame" />
    <div className="sample-waiting" />
  </>
);

function NoneYet() {
  const { job, segment } = useJobShown();
  if (segment !== null) return <Empty>No sample was drawn on this stretch.</Empty>;
  if (job.finished_at !== null) return <Empty>No sample was drawn.</Empty>;
  const every = Number(job.spec.sample_every);
  return (
    <Empty>
      No sample yet; the first comes at step {count(job.start_step)}, before anything is learnt, and then one every{" "}
      {count(every)} {every === 1 ? "step" : "steps"}.
    </Empty>
  );
}

function Drawn({ timeline, step }: { timeline: Samples; step: number }) {
  // A plot has no pixels of its own to look at.
  const isImage = useIsImage(useJobShown().job.spec);
  const [isCrisp, setCrisp] = useState(true);
  const [pinned, setPinned] = useState<number | null>(null);
  const [open, setOpen] = useState<"large" | "download" | null>(null);
  const { steps } = timeline;
  const player = usePlaying(timeline);
  const pair = () => setPinned(pinned === null ? (steps[0] as number) : null);
  const actions = (
    <>
      {isImage && (
        <Toggle on={isCrisp} set={setCrisp}>
          Crisp pixels
        </Toggle>
      )}
      <Toggle on={pinned !== null} set={pair}>
        Two steps
      </Toggle>
      <button type="button" onClick={() => setOpen("download")}>
        <Icon name="download" /> Download
      </button>
    </>
  );
  const shared = { timeline, step, crisp: isImage && isCrisp };
  return (
    <Panel title="Samples" className="samples" actions={actions}>
      <SpaceBar player={player}>
        <div className="sample-body">
          {pinned === null ? (
            <Single {...shared} enlarge={() => setOpen("large")} />
          ) : (
            // A step that the job has gone back from is there no more: then it is the one before.
            <Pair {...shared} pinned={steps[indexAt(steps, pinned)] as number} pin={setPinned} />
          )}
          <Caption timeline={timeline} step={step} player={player} />
          <Controls timeline={timeline} player={player} />
          <Facts step={step} />
        </div>
      </SpaceBar>
      {open === "download" && <Download timeline={timeline} step={step} close={() => setOpen(null)} />}
      {open === "large" && <Large {...shared} player={player} close={() => setOpen(null)} />}
    </Panel>
  );
}

/** Plays the samples, and has those loaded that may be wanted next. */
function usePlaying(timeline: Samples): Player {
  const { steps, index, url, go } = timeline;
  const ready = (next: number) => pictures.settled(url(steps[next] as number));
  const player = usePlayer({ length: steps.length, index, go, ready });
  usePreloaded(useNeighbours(timeline, player.playing));
  return player;
}

/** Which sample it is, and whether the next one will be shown when it comes. */
function Caption({ timeline, step, player }: { timeline: Samples; step: number; player: Player }) {
  const { following, index, steps } = timeline;
  const live = useJobShown().job.finished_at === null;
  const follow = () => {
    player.stop();
    timeline.follow();
  };
  return (
    <p className="sample-caption">
      <span>
        <strong>Step {count(step)}</strong>{" "}
        <span className="muted">
          {count(index + 1)} / {count(steps.length)}
        </span>
      </span>
      {following ? (
        <span className="sample-following" data-live={live}>
          {live ? "Following the newest" : "The newest"}
        </span>
      ) : (
        <button type="button" onClick={follow}>
          {live ? "Follow the newest" : "To the newest"}
        </button>
      )}
    </p>
  );
}

function Large(props: { timeline: Samples; step: number; crisp: boolean; player: Player; close: () => void }) {
  const { timeline, step, crisp, player, close } = props;
  return (
    <Dialog title={`Sample of step ${count(step)}`} close={close}>
      <SpaceBar player={player}>
        <div className="sample-large">
          <Single timeline={timeline} step={step} crisp={crisp} />
          <Controls timeline={timeline} player={player} />
        </div>
      </SpaceBar>
    </Dialog>
  );
}

/** Where the images are that may be wanted next: those that are played, or those on both sides. */
function useNeighbours({ steps, index, url }: Samples, playing: boolean): string[] {
  return useMemo(() => {
    const at = (from: number, to: number) => steps.slice(Math.max(0, from), Math.max(0, to)).map(url);
    if (playing) return at(index + 1, index + 1 + AHEAD.playing);
    const after = at(index + 1, index + 1 + AHEAD.resting);
    return [...after, ...at(index - AHEAD.resting, index).reverse()];
  }, [steps, index, url, playing]);
}
