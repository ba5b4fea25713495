// A spec as text.

import { useState } from "react";
import type { Spec } from "../api/types";
import { fromYaml, type Parsed, toYaml } from "./yaml";

/** Tells of every change; what is no YAML yet changes no spec, and is kept here until it is. */
export function YamlEditor({ spec, changed }: { spec: Spec; changed: (parsed: Parsed) => void }) {
  const [text, setText] = useState(() => toYaml(spec));
  const [error, setError] = useState<Parsed["error"]>(null);
  const type = (next: string) => {
    const parsed = fromYaml(next);
    setText(next);
    setError(parsed.error);
    changed(parsed);
  };
  return (
    <div className="yaml">
      <label htmlFor="spec-yaml" className="sr-only">
        Spec as YAML
      </label>
      <textarea
        id="spec-yaml"
        className="mono"
        spellCheck={false}
        autoCapitalize="off"
        autoComplete="off"
        rows={Math.min(44, Math.max(18, text.split("\n").length + 1))}
        value={text}
        aria-invalid={error !== null}
        aria-describedby="spec-yaml-error"
        onChange={(event) => type(event.target.value)}
      />
      <p id="spec-yaml-error" className="field-errors" role="status">
        {error && `${error.line === null ? "" : `Line ${error.line}: `}${error.message}`}
      </p>
    </div>
  );
}
