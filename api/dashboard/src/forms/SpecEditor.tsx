// A spec that is being written, as a form or as text: two views of one.

import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo, useState } from "react";
import { schemaQuery } from "../api/queries";
import type { ProblemField, Spec } from "../api/types";
import { Empty, Problem } from "../ui/parts";
import { Tabs } from "../ui/Tabs";
import { Outcome } from "./Outcome";
import type { Context } from "./parts";
import { formSchema } from "./schema";
import { SpecForm } from "./SpecForm";
import type { Validity } from "./useValidation";
import { YamlEditor } from "./YamlEditor";

export function SpecEditor({
  spec,
  setSpec,
  validity,
  refused = [],
  isFixed,
  children,
}: {
  spec: Spec;
  setSpec: (spec: Spec) => void;
  validity: Validity;
  /** What was wrong with it when it was sent. */
  refused?: readonly ProblemField[];
  isFixed?: Context["isFixed"];
  /** What stands beside it. */
  children: ReactNode;
}) {
  const { data: raw, error, refetch } = useQuery(schemaQuery);
  const schema = useMemo(() => raw && formSchema(raw), [raw]);
  const [view, setView] = useState("form");
  // Text that is no YAML would be lost in the form.
  const [isBroken, setBroken] = useState(false);
  const errors = useMemo(() => [...validity.errors, ...refused], [validity.errors, refused]);
  const evaluations = useMemo(
    () => (validity.made?.evaluations ?? []).filter(({ better }) => better).map(({ name }) => name),
    [validity.made],
  );
  if (error && !schema) return <Problem error={error} retry={() => void refetch()} />;
  if (!schema) return <Empty>Loading …</Empty>;
  const form = () => <SpecForm {...{ schema, spec, setSpec, errors, evaluations, isFixed }} />;
  const yaml = () => (
    <YamlEditor
      spec={spec}
      changed={(parsed) => {
        setBroken(parsed.error !== null);
        if (parsed.spec) setSpec(parsed.spec);
      }}
    />
  );
  return (
    <div className="editor">
      <div className="editor-main">
        <Tabs
          label="How to write the spec"
          open={view}
          setOpen={(next) => !isBroken && setView(next)}
          tabs={[
            { name: "form", title: "Form", show: form },
            { name: "yaml", title: "YAML", show: yaml },
          ]}
        />
        {isBroken && <p className="muted">The form is there again once this is YAML.</p>}
      </div>
      <aside className="editor-side">
        {children}
        <Outcome validity={{ ...validity, errors, isValid: validity.isValid && !isBroken && !refused.length }} />
      </aside>
    </div>
  );
}
