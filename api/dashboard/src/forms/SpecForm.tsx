// A spec as a form, drawn from the service's own schema of it.

// Not the package as a whole: that names a validator for tests, which needs eval.
import Form from "@rjsf/core/lib/components/Form.js";
import type { RJSFSchema, ValidatorType } from "@rjsf/utils";
import { useMemo } from "react";
import type { ProblemField, Spec } from "../api/types";
import { placed } from "./errors";
import { ChoicesField, LabelsField, ListField, RowsField } from "./lists";
import type { Context } from "./parts";
import { BooleanField, NumberField, StringField } from "./scalars";
import { type FieldSchema, uiOf } from "./schema";
import { ArrayFieldItemTemplate, ArrayFieldTemplate, FieldTemplate, ObjectFieldTemplate } from "./templates";
import { KindField, OptionalField } from "./unions";

// The service validates. rjsf would ask for validity to tell the branches of unions apart, and of those our schema has
// none: `forms/schema.ts` has read them.
const SERVICE: ValidatorType<object, RJSFSchema, Context> = {
  isValid: () => true,
  validateFormData: () => ({ errors: [], errorSchema: {} }),
  rawValidation: () => ({}),
};

const FIELDS = {
  NumberField,
  StringField,
  BooleanField,
  KindField,
  OptionalField,
  ListField,
  RowsField,
  ChoicesField,
  LabelsField,
};
const TEMPLATES = { FieldTemplate, ObjectFieldTemplate, ArrayFieldTemplate, ArrayFieldItemTemplate };

export function SpecForm({
  schema,
  spec,
  setSpec,
  errors,
  evaluations,
  isFixed,
}: {
  schema: FieldSchema;
  spec: Spec;
  setSpec: (spec: Spec) => void;
  errors: readonly ProblemField[];
  evaluations: readonly string[];
  isFixed?: Context["isFixed"];
}) {
  const extraErrors = useMemo(() => placed(errors), [errors]);
  const context = useMemo(() => ({ evaluations, isFixed }), [evaluations, isFixed]);
  return (
    <Form<object, RJSFSchema, Context>
      className="spec-form"
      tagName="div"
      schema={schema as RJSFSchema}
      uiSchema={uiOf(schema)}
      formData={spec}
      formContext={context}
      fields={FIELDS as never}
      templates={TEMPLATES}
      validator={SERVICE}
      extraErrors={extraErrors as never}
      showErrorList={false}
      noHtml5Validate
      experimental_defaultFormStateBehavior={{ emptyObjectFields: "skipDefaults", constAsDefaults: "never" }}
      onChange={({ formData }) => formData && setSpec(formData as Spec)}
    >
      <></>
    </Form>
  );
}
