// One sample; pressing it enlarges it.

import { count } from "../ui/format";
import { Frame } from "./Frame";
import { usePicture } from "./usePicture";
import type { Timeline } from "./useTimeline";

interface Props {
  timeline: Timeline;
  step: number;
  crisp: boolean;
  enlarge?: () => void;
}

export function Single({ timeline, step, crisp, enlarge }: Props) {
  const shown = usePicture(timeline.url(step));
  return (
    <Frame
      shown={shown}
      label={`Sample of step ${count(step)}`}
      width={timeline.width}
      height={timeline.height}
      crisp={crisp}
    >
      {enlarge && <button type="button" className="sample-open" aria-label="Enlarge the sample" onClick={enlarge} />}
    </Frame>
  );
}
