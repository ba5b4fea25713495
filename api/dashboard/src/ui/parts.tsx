// Small things that every view is made of.

import { type ReactNode, useEffect, useId, useRef } from "react";
import { ApiError } from "../api/http";
import type { Severity, Status } from "../api/types";
import { percent, words } from "./format";

export const StatusBadge = ({ status }: { status: Status }) => (
  <span className="badge" data-status={status}>
    {status}
  </span>
);

/** What tells severities apart besides their colours. */
export const MARKS: Record<Severity, string> = { ok: "●", caution: "▲", alarm: "■" };

/** A verdict with the colour and the mark of its severity: colour alone says nothing to some. */
export function VerdictBadge({ verdict, severity }: { verdict: string | null; severity: Severity | null }) {
  if (verdict === null || severity === null) return <span className="muted">–</span>;
  return (
    <span className="verdict" data-severity={severity}>
      <span aria-hidden="true">{MARKS[severity]}</span> {words(verdict)}
      <span className="sr-only"> ({severity})</span>
    </span>
  );
}

export const ProgressBar = ({ value, label }: { value: number; label: string }) => (
  <span
    className="progress"
    role="progressbar"
    aria-label={label}
    aria-valuenow={Math.floor(100 * value)}
    aria-valuemin={0}
    aria-valuemax={100}
    aria-valuetext={percent(value)}
  >
    <span style={{ width: `${100 * value}%` }} />
  </span>
);

/** What went wrong, in the API's words, with the fields at fault. */
export function Problem({ error, retry }: { error: Error; retry?: () => void }) {
  const fields = error instanceof ApiError ? error.fields.filter((field) => field.field) : [];
  return (
    <div className="problem" role="alert">
      <p>{error.message}</p>
      {fields.length > 1 && (
        <ul>
          {fields.map((field) => (
            <li key={`${field.field} ${field.code}`}>
              <code>{field.field}</code>: {field.message}
            </li>
          ))}
        </ul>
      )}
      {retry && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

export const Empty = ({ children }: { children: ReactNode }) => <p className="empty">{children}</p>;

/** A section of a view with its heading, and what can be done to it on the right. */
export function Panel({
  title,
  actions,
  children,
  className = "",
}: {
  title: string;
  actions?: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  const id = useId();
  return (
    <section className={`panel ${className}`} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {actions && <div className="actions">{actions}</div>}
      </header>
      {children}
    </section>
  );
}

/** A switch that is on or off. */
export const Toggle = ({ on, set, children }: { on: boolean; set: (on: boolean) => void; children: ReactNode }) => (
  <button type="button" className="toggle" aria-pressed={on} onClick={() => set(!on)}>
    {children}
  </button>
);

/** A dialog of the browser's own: focus stays in it, Escape closes it. */
export function Dialog({ title, close, children }: { title: string; close: () => void; children: ReactNode }) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => element.current?.showModal(), []);
  return (
    <dialog ref={element} aria-labelledby={id} onClose={close}>
      <header>
        <h2 id={id}>{title}</h2>
        <button type="button" className="quiet" aria-label="Close" onClick={() => element.current?.close()}>
          ✕
        </button>
      </header>
      {children}
    </dialog>
  );
}
