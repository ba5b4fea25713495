// A spec that is being written, as a form or as text: two views of one.

import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo, useState } from "react";
import { schemaQuery } from "../api/queries";
import type { ProblemField, Spec } from "../api/types";
import { Empty, Problem } from "../ui/parts";
import { Tabs } from "../ui/Tabs";
import { Outcome } from "./Outcome";
import type { Context } from "./parts";
import { type FieldSchema, formSchema } from "./schema";
import { SpecForm } from "./SpecForm";
import type { Validation, Validity } from "./useValidation";
import type { Parsed } from "./yaml";
import { YamlEditor } from "./YamlEditor";

interface Props {
  spec: Spec;
  setSpec: (spec: Spec) => void;
  validity: Validity;
  /** What was wrong with it when it was sent. */
  refused?: readonly ProblemField[];
  isFixed?: Context["isFixed"];
  /** What stands beside it. */
  children: ReactNode;
}

export function SpecEditor({ spec, setSpec, validity, refused = [], isFixed, children }: Props) {
  // Text that is no YAML would be lost in the form.
  const [isBroken, setBroken] = useState(false);
  const errors = useMemo(() => [...validity.errors, ...refused], [validity.errors, refused]);
  const { data: raw, error, refetch } = useQuery(schemaQuery);
  const schema = useMemo(() => raw && formSchema(raw), [raw]);
  if (error && !schema) return <Problem error={error} retry={() => void refetch()} />;
  if (!schema) return <Empty>Loading …</Empty>;
  const isValid = validity.isValid && !isBroken && !refused.length;
  return (
    <div className="editor">
      <Views {...{ schema, spec, setSpec, made: validity.made, errors, isFixed, isBroken, setBroken }} />
      <aside className="editor-side">
        {/* What is no YAML has changed no spec: the one of before is not to be sent for it. */}
        <fieldset className="editor-actions" disabled={isBroken}>
          {children}
        </fieldset>
        <Outcome validity={{ ...validity, errors, isValid }} isBroken={isBroken} />
      </aside>
    </div>
  );
}

interface ViewsProps extends Pick<Props, "spec" | "setSpec" | "isFixed"> {
  schema: FieldSchema;
  made: Validation | null;
  errors: readonly ProblemField[];
  isBroken: boolean;
  setBroken: (isBroken: boolean) => void;
}

function Views({ schema, spec, setSpec, made, errors, isFixed, isBroken, setBroken }: ViewsProps) {
  const [view, setView] = useState("form");
  const evaluations = useMemo(
    () => (made?.evaluations ?? []).filter(({ better }) => better).map(({ name }) => name),
    [made],
  );
  const form = () => <SpecForm {...{ schema, spec, setSpec, errors, evaluations, isFixed }} />;
  const changed = (parsed: Parsed) => {
    setBroken(parsed.error !== null);
    if (parsed.spec) setSpec(parsed.spec);
  };
  const yaml = () => <YamlEditor spec={spec} changed={changed} />;
  return (
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
  );
}
