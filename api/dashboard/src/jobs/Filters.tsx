// What narrows the list, and what orders it.

import type { Severity } from "../api/types";
import { count, words } from "../ui/format";
import { ALL, type Counts, type Filter, narrows, type Order, ORDERS, SEVERITIES, type State, STATES } from "./filter";

interface Props {
  filter: Filter;
  counts: Counts;
  /** `replace` where going back one step should not undo it alone: each letter of a search, say. */
  change: (filter: Filter, replace?: boolean) => void;
}

export function Filters({ filter, counts, change }: Props) {
  const states = Object.keys(STATES) as State[];
  return (
    <div className="filters" role="search" aria-label="Jobs">
      <Search filter={filter} change={change} />
      <Chips
        label="State"
        names={states}
        chosen={filter.states}
        counts={counts.states}
        choose={(chosen) => change({ ...filter, states: chosen })}
      />
      <Chips<Severity>
        label="Health"
        names={SEVERITIES}
        chosen={filter.severities}
        counts={counts.severities}
        choose={(chosen) => change({ ...filter, severities: chosen })}
      />
      <Verdicts filter={filter} counts={counts} change={change} />
    </div>
  );
}

/** The order of the list, and the way back to all of it. */
export const Ordering = ({ filter, change }: Omit<Props, "counts">) => (
  <div className="job-ordering">
    <button
      type="button"
      className="quiet"
      disabled={!narrows(filter)}
      onClick={() => change({ ...ALL, order: filter.order })}
    >
      Clear filters
    </button>
    <label className="filter-choice">
      <span>Order</span>
      <select value={filter.order} onChange={(event) => change({ ...filter, order: event.target.value as Order })}>
        {Object.entries(ORDERS).map(([order, label]) => (
          <option key={order} value={order}>
            {label}
          </option>
        ))}
      </select>
    </label>
  </div>
);

const Search = ({ filter, change }: Omit<Props, "counts">) => (
  <label className="filter-search">
    <span className="sr-only">Search by name, id, kind or metadata</span>
    <input
      type="search"
      value={filter.text}
      placeholder="Search jobs"
      title="Words in a job's name, id, kinds or metadata"
      onChange={(event) => change({ ...filter, text: event.target.value }, true)}
    />
  </label>
);

interface ChipsProps<Name extends string> {
  label: string;
  names: readonly Name[];
  chosen: readonly Name[];
  counts: Record<Name, number>;
  choose: (chosen: readonly Name[]) => void;
}

function Chips<Name extends string>({ label, names, chosen, counts, choose }: ChipsProps<Name>) {
  const turn = (name: Name) =>
    choose(chosen.includes(name) ? chosen.filter((each) => each !== name) : [...chosen, name]);
  return (
    <div className="filter-chips" role="group" aria-label={label}>
      {names.map((name) => (
        <button
          key={name}
          type="button"
          className="toggle filter-chip"
          data-of={name}
          data-none={counts[name] === 0 || undefined}
          aria-pressed={chosen.includes(name)}
          onClick={() => turn(name)}
        >
          {name} <span className="filter-count">{count(counts[name])}</span>
        </button>
      ))}
    </div>
  );
}

function Verdicts({ filter, counts, change }: Props) {
  const names = new Set(Object.keys(counts.verdicts));
  if (filter.verdict) names.add(filter.verdict);
  return (
    <label className="filter-choice">
      <span className="sr-only">Verdict</span>
      <select value={filter.verdict} onChange={(event) => change({ ...filter, verdict: event.target.value })}>
        <option value="">any verdict</option>
        {[...names].sort().map((name) => (
          <option key={name} value={name}>
            {words(name)} ({count(counts.verdicts[name] ?? 0)})
          </option>
        ))}
      </select>
    </label>
  );
}
