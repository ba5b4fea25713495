// What a job's workers logged. Only the lines in view are in the page, however many there are.

import { useQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import { logsQuery } from "../api/queries";
import { FINAL, type Job, type LogLine } from "../api/types";
import { clock, count } from "../ui/format";
import { Empty, Problem, Toggle } from "../ui/parts";
import { LEVELS, matching, pairs } from "./log";

const EVERY = 3_000;

export function Log({ job }: { job: Job }) {
  const isOver = FINAL.includes(job.status);
  const { data: lines, error, refetch } = useQuery({ ...logsQuery(job.id), refetchInterval: isOver ? false : EVERY });
  const [level, setLevel] = useState("debug");
  const [text, setText] = useState("");
  const [follow, setFollow] = useState(!isOver);
  const shown = useMemo(() => matching(lines ?? [], level, text), [lines, level, text]);
  return (
    <>
      <div className="log-bar">
        <label>
          <span className="sr-only">Least level</span>
          <select value={level} onChange={(event) => setLevel(event.target.value)}>
            {LEVELS.map((each) => (
              <option key={each} value={each}>
                {each === "debug" ? "all levels" : `${each} and above`}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span className="sr-only">Lines with</span>
          <input type="search" placeholder="Find" value={text} onChange={(event) => setText(event.target.value)} />
        </label>
        <Toggle on={follow} set={setFollow}>
          Follow
        </Toggle>
        <span className="muted">
          {count(shown.length)} of {count(lines?.length ?? 0)} lines
        </span>
      </div>
      {error && !lines ? (
        <Problem error={error} retry={() => void refetch()} />
      ) : shown.length ? (
        <Lines lines={shown} follow={follow} />
      ) : (
        <Empty>{lines ? "No such lines." : "Loading …"}</Empty>
      )}
    </>
  );
}

function Lines({ lines, follow }: { lines: LogLine[]; follow: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => 22,
    overscan: 20,
    getItemKey: (index) => (lines[index] as LogLine).id,
  });
  useEffect(() => {
    if (follow) rows.scrollToIndex(lines.length - 1, { align: "end" });
  }, [follow, lines.length, rows]);
  return (
    <div className="log" ref={box} tabIndex={0} role="log" aria-label="Log" aria-live="off">
      <div style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((row) => {
          const line = lines[row.index] as LogLine;
          return (
            <div
              key={row.key}
              ref={rows.measureElement}
              data-index={row.index}
              data-level={line.level}
              className="log-line"
              style={{ transform: `translateY(${row.start}px)` }}
            >
              <time className="muted" dateTime={line.created_at} title={clock(line.created_at)}>
                {clock(line.created_at).slice(-8)}
              </time>{" "}
              <span className="level">{line.level}</span> {line.message}{" "}
              <span className="muted">{pairs(line.data)}</span>
            </div>
          );
        })}
      </div>
    </div>
  );
}
