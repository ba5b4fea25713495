// Fields that can be one of several things, or nothing.

import type { FieldPathList } from "@rjsf/utils";
import { useRef } from "react";
import type { Json } from "../api/types";
import { words } from "../ui/format";
import { changed, kindOf, switched } from "./kinds";
import { Errors, type FieldProps, inputOf, Marked, setOf } from "./parts";
import { type FieldSchema, uiOf } from "./schema";

/** A part with a `kind`, and the fields of that kind. */
export function KindField(props: FieldProps) {
  const { schema, formData, fieldPathId, errorSchema, registry } = props;
  const input = inputOf(props);
  const kind = kindOf(formData, schema);
  const branch = kind === null ? undefined : schema.kinds?.[kind];
  const { ObjectField } = registry.fields;
  const isFixed = input.disabled || Boolean(registry.formContext?.isFixed?.([...fieldPathId.path, "kind"]));
  // rjsf keeps the fields inside as they were drawn while their own values stay: what they call has to know the newest.
  const now = useRef({ formData, kind });
  now.current = { formData, kind };
  // A field that is set in a part of which nothing was said yet brings the part's kind with it.
  const set = (value: Json | undefined, path: FieldPathList) => {
    const whole = changed(now.current.formData, ["kind"], now.current.kind ?? undefined);
    props.onChange(changed(whole, path.slice(fieldPathId.path.length), value), fieldPathId.path);
  };
  return (
    <div className="kind">
      <select
        {...input}
        disabled={isFixed}
        value={kind ?? ""}
        onChange={(event) =>
          setOf(props)(event.target.value ? switched(formData, event.target.value, schema) : undefined)
        }
      >
        <Kinds schema={schema} kind={kind} />
      </select>
      <Errors errors={(errorSchema as { kind?: { __errors?: string[] } } | undefined)?.kind?.__errors} />
      {branch?.description && (
        <p className="help">
          <Marked text={branch.description} />
        </p>
      )}
      {ObjectField && branch && Object.keys(branch.properties ?? {}).length > 0 && (
        <ObjectField
          {...{ ...props, schema: branch, uiSchema: uiOf(branch), formData: formData ?? {}, onChange: set }}
        />
      )}
    </div>
  );
}

/** The kinds to choose from, and what is there now where that is none of them. */
function Kinds({ schema, kind }: { schema: FieldSchema; kind: string | null }) {
  const kinds = Object.keys(schema.kinds ?? {});
  return (
    <>
      {(schema.none || kind === null) && <option value="">{schema.none ? "none" : "choose …"}</option>}
      {kind !== null && !kinds.includes(kind) && <option value={kind}>{kind}</option>}
      {kinds.map((each) => (
        <option key={each} value={each}>
          {words(each)}
        </option>
      ))}
    </>
  );
}

const inner = new WeakMap<FieldSchema, FieldSchema>();

function insideOf(schema: FieldSchema): FieldSchema {
  const known = inner.get(schema) ?? { ...schema, none: false, shown: undefined };
  inner.set(schema, known);
  return known;
}

/** A part that need not be there. */
export function OptionalField(props: FieldProps) {
  const { schema, formData, registry } = props;
  const input = inputOf(props);
  const isSet = formData !== null && formData !== undefined;
  const schemaInside = insideOf(schema);
  const ui = uiOf(schemaInside);
  const own = ui["ui:field"] as string | undefined;
  const Inner = registry.fields[own ?? (schema.type === "array" ? "ArrayField" : "ObjectField")];
  if (!Inner) return null;
  return (
    <div className="optional">
      <label>
        <input
          {...input}
          type="checkbox"
          checked={isSet}
          onChange={(event) => setOf(props)(event.target.checked ? (schema.type === "array" ? [] : {}) : undefined)}
        />
        {isSet ? "set" : "not set"}
      </label>
      {isSet && <Inner {...{ ...props, schema: schemaInside, uiSchema: own ? {} : ui }} />}
    </div>
  );
}
