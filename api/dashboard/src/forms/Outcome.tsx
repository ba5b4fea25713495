// What the service says of a spec: what is wrong with it, or what it would make.

import type { Equilibrium, ProblemField } from "../api/types";
import { labelOf } from "../charts/figures";
import { number } from "../ui/format";
import { Problem } from "../ui/parts";
import { elementOf, message } from "./errors";
import type { Validation, Validity } from "./useValidation";

/** `isBroken` while it is written as text that is no YAML: then there is no spec to say anything of. */
export function Outcome({ validity, isBroken }: { validity: Validity; isBroken: boolean }) {
  const { isCurrent, isValid, made, failure } = validity;
  const errors = isBroken ? NONE : validity.errors;
  const said = isBroken ? "Mend the YAML first." : isValid ? "This spec is valid." : unsaid(errors.length, failure);
  return (
    <section className="panel outcome" aria-label="What the service says" data-checked={isCurrent}>
      <header>
        <h2>{isValid ? "What it makes" : "What to mend"}</h2>
      </header>
      <div className="panel-body">
        <p role="status" data-testid="validity" data-valid={isValid} className={isValid ? "valid" : "invalid"}>
          <span aria-hidden="true">{isValid ? "● " : isBroken || errors.length ? "■ " : ""}</span>
          {said}
        </p>
        {failure && !isBroken && <Problem error={failure} />}
        {errors.length > 0 && <Errors errors={errors} />}
        {isValid && made && <Made made={made} />}
      </div>
    </section>
  );
}

const NONE: never[] = [];

const unsaid = (wrongs: number, failure: Error | null): string =>
  wrongs ? wrong(wrongs) : failure ? "" : "Checking …";

const wrong = (many: number): string => (many === 1 ? "One thing is wrong." : `${many} things are wrong.`);

function Errors({ errors }: { errors: readonly ProblemField[] }) {
  return (
    <ul className="mend">
      {errors.map((error) => (
        <li key={`${error.field} ${error.code}`}>
          {error.field && (
            <button type="button" className="link" onClick={() => goTo(error.field)}>
              <code>{error.field}</code>
            </button>
          )}{" "}
          {message(error)}
        </li>
      ))}
    </ul>
  );
}

/** Brings the field of an error into view, and the focus to it. */
export function goTo(field: string): void {
  const id = elementOf(field, (each) => document.getElementById(each) !== null);
  const element = id === null ? null : document.getElementById(id);
  if (!element) return;
  for (let around = element.parentElement; around; around = around.parentElement)
    if (around instanceof HTMLDetailsElement) around.open = true;
  element.scrollIntoView({ block: "center" });
  const target = element.matches("input, select, textarea") ? element : element.querySelector("input, select, button");
  if (target instanceof HTMLElement) target.focus({ preventScroll: true });
}

function Made({ made }: { made: Validation }) {
  return (
    <dl className="made">
      <div>
        <dt>At equilibrium</dt>
        <dd>{levels(made.equilibrium)}</dd>
      </div>
      <div>
        <dt>The discriminator’s answers</dt>
        <dd>
          {made.logit_is_probability
            ? "are probabilities: 0.5 where real and generated data cannot be told apart"
            : "are logits: this loss makes no probabilities of them"}
        </dd>
      </div>
      <Names title="Recorded at every step" facts={made.metrics} />
      {made.spec.evaluate_every !== null && <Names title="Evaluations may hold" facts={made.evaluations} />}
    </dl>
  );
}

function levels({ d_loss, g_loss, total_loss }: Equilibrium): string {
  const known = [
    ["D", d_loss],
    ["G", g_loss],
    ["both together", total_loss],
  ].filter(([, level]) => level !== null) as [string, number][];
  if (!known.length) return "this loss has no known levels";
  return known.map(([player, level]) => `${player} ${number(level)}`).join(", ");
}

function Names({ title, facts }: { title: string; facts: { name: string; description: string }[] }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>
        <ul className="chips">
          {facts.map(({ name, description }) => (
            <li key={name} title={description}>
              {labelOf(name)}
            </li>
          ))}
        </ul>
      </dd>
    </div>
  );
}
