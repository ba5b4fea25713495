// Something to begin with: the specs in examples/, found by what they say.

import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { count, words } from "../ui/format";
import { Dialog, Empty, Problem } from "../ui/parts";
import { isPart } from "./kinds";
import { found, type Preset } from "./presets";

export const presetsQuery = {
  queryKey: ["presets"],
  queryFn: async () => (await import("./examples")).PRESETS,
  staleTime: Number.POSITIVE_INFINITY,
};

export function PresetPicker({ choose, close }: { choose: (preset: Preset) => void; close: () => void }) {
  const { data: presets, error } = useQuery(presetsQuery);
  const [text, setText] = useState("");
  const search = useRef<HTMLInputElement>(null);
  // The dialog was opened to find something; it has its own idea of where to begin.
  useEffect(() => {
    const frame = requestAnimationFrame(() => search.current?.focus());
    return () => cancelAnimationFrame(frame);
  }, []);
  const shown = found(presets ?? [], text);
  return (
    <Dialog title="Begin with an example" close={close}>
      <div className="picker">
        <label>
          <span className="sr-only">Find an example</span>
          <input
            type="search"
            placeholder="Find: a paper, a loss, a data set …"
            value={text}
            ref={search}
            onChange={(event) => setText(event.target.value)}
          />
        </label>
        {error && <Problem error={error} />}
        <ul className="presets">
          {shown.map((preset) => (
            <li key={preset.file}>
              <button type="button" onClick={() => choose(preset)}>
                <strong>{preset.name}</strong>
                <span className="muted small">{summary(preset)}</span>
                <span>{preset.description}</span>
              </button>
            </li>
          ))}
        </ul>
        {presets && !shown.length && <Empty>No example says that.</Empty>}
      </div>
    </Dialog>
  );
}

function summary({ spec }: Preset): string {
  const kind = (name: string) => {
    const part = spec[name];
    return isPart(part) && typeof part.kind === "string" ? words(part.kind) : null;
  };
  const steps = typeof spec.steps === "number" ? `${count(spec.steps)} steps` : null;
  return [kind("dataset"), kind("generator"), kind("loss"), steps].filter(Boolean).join(" · ");
}
