// That the service is away, and how old what is shown is.

import { ApiError } from "../api/http";

export function Lost({ error, asOf }: { error: Error | null; asOf: number }) {
  const at = new Date(asOf).toLocaleTimeString("en-GB", { hour12: false });
  const away = error instanceof ApiError && error.status === 0;
  return (
    <div role="status" className="lost-line" hidden={error === null}>
      {error &&
        (away
          ? `Connection lost: this is what was known at ${at}. The service is asked again until it answers.`
          : `${error.message} This is what was known at ${at}; the service is asked again.`)}
    </div>
  );
}
