// Tabs (the ARIA pattern): arrow keys go from one to the next; the address keeps which one is open.

import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";

export interface Tab {
  name: string;
  title: string;
  count?: number;
  show: () => ReactNode;
}

const inAddress = (tabs: readonly Tab[]): string | undefined =>
  tabs.find((tab) => `#${tab.name}` === window.location.hash)?.name;

/** `open` and `setOpen` make it the parent's business which is open; the address is left alone then. */
export function Tabs({
  label,
  tabs,
  open,
  setOpen,
}: {
  label: string;
  tabs: Tab[];
  open?: string;
  setOpen?: (name: string) => void;
}) {
  const id = useId();
  const row = useRef<HTMLDivElement>(null);
  const [own, setOwn] = useState(() => inAddress(tabs) ?? tabs[0]?.name);
  const name = open ?? own;
  const shown = tabs.find((tab) => tab.name === name) ?? tabs[0];
  const choose = (next: string) => {
    if (setOpen) return setOpen(next);
    setOwn(next);
    window.history.replaceState(window.history.state, "", `#${next}`);
  };
  useHash(open === undefined, () => setOwn((before) => inAddress(tabs) ?? before));
  const press = (event: KeyboardEvent) => {
    const next = stepped(tabs, shown, event.key);
    if (!next) return;
    event.preventDefault();
    choose(next.name);
    row.current?.querySelector<HTMLElement>(`[data-tab="${next.name}"]`)?.focus();
  };
  if (!shown) return null;
  return (
    <>
      <div role="tablist" aria-label={label} className="tabs" ref={row} onKeyDown={press}>
        {tabs.map((tab) => (
          <button
            key={tab.name}
            type="button"
            role="tab"
            id={`${id}-${tab.name}`}
            data-tab={tab.name}
            aria-selected={tab === shown}
            aria-controls={`${id}-panel`}
            tabIndex={tab === shown ? 0 : -1}
            onClick={() => choose(tab.name)}
          >
            {tab.title}
            {tab.count !== undefined && <span className="muted"> {tab.count}</span>}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${shown.name}`} className="tab-panel">
        {shown.show()}
      </div>
    </>
  );
}

function stepped(tabs: readonly Tab[], shown: Tab | undefined, key: string): Tab | undefined {
  const at = tabs.findIndex((tab) => tab === shown);
  if (key === "ArrowRight") return tabs[(at + 1) % tabs.length];
  if (key === "ArrowLeft") return tabs[(at + tabs.length - 1) % tabs.length];
  if (key === "Home") return tabs[0];
  return key === "End" ? tabs.at(-1) : undefined;
}

function useHash(on: boolean, changed: () => void) {
  const told = useRef(changed);
  told.current = changed;
  useEffect(() => {
    if (!on) return;
    const listen = () => told.current();
    window.addEventListener("hashchange", listen);
    return () => window.removeEventListener("hashchange", listen);
  }, [on]);
}
