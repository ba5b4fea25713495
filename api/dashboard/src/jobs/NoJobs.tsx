// What to do where there is no job yet.

import { Link } from "wouter";

// Small enough to be done in a minute on any machine.
const SPEC = {
  name: "ring",
  dataset: { kind: "ring" },
  generator: { kind: "mlp", latent_dim: 8 },
  discriminator: { kind: "mlp" },
  loss: { kind: "non_saturating" },
  steps: 1000,
  batch_size: 256,
  sample_every: 250,
};

export function NoJobs() {
  const url = `${window.location.origin}/v1/jobs`;
  return (
    <div className="panel no-jobs">
      <h2>No jobs yet</h2>
      <p>Fill in a form, with a preset to begin from:</p>
      <p>
        <Link href="/new" className="button primary">
          New job
        </Link>
      </p>
      <p>or send a spec from a terminal:</p>
      <pre>{`curl ${url} -H 'Content-Type: application/json' \\\n  -d '${JSON.stringify(SPEC)}'`}</pre>
      <p>or a file, by the command line:</p>
      <pre>ganjobs submit examples/ring.yaml --follow --url {window.location.origin}</pre>
    </div>
  );
}
