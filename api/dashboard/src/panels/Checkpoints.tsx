// Where a job can be gone on from, with the files to take home.

import { Link } from "wouter";
import type { Checkpoint, Job } from "../api/types";
import { age, bytes, clock, count, number, words } from "../ui/format";
import { Empty, Problem } from "../ui/parts";
import { useCheckpoints } from "./useCheckpoints";

export function Checkpoints({ job }: { job: Job }) {
  const { data: checkpoints, error, refetch } = useCheckpoints(job, true);
  if (error && !checkpoints) return <Problem error={error} retry={() => void refetch()} />;
  if (!checkpoints) return <Empty>Loading …</Empty>;
  if (!checkpoints.length) return <Empty>No checkpoint has been made yet.</Empty>;
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Checkpoints">
      <table>
        <thead>
          <tr>
            <th scope="col" className="number">
              Step
            </th>
            <th scope="col">Made</th>
            <th scope="col">Best by</th>
            <th scope="col">Files</th>
            <th scope="col">
              <span className="sr-only">Go on from it</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {checkpoints.map((each) => (
            <Row key={`${each.step} ${each.attempt}`} job={job} checkpoint={each} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ job, checkpoint }: { job: Job; checkpoint: Checkpoint }) {
  const { step, best, files, created_at } = checkpoint;
  return (
    <tr>
      <th scope="row" className="number">
        {count(step)}
      </th>
      <td>
        <time dateTime={created_at} title={clock(created_at)}>
          {age(created_at)}
        </time>
      </td>
      <td>{best ? `${words(best.metric)} ${number(best.value)}` : <span className="muted">–</span>}</td>
      <td>
        <ul className="files">
          {files.map((file) => (
            <li key={file.name}>
              <a href={file.url} download={`${job.name ?? job.id}-${step}-${file.name}`}>
                {file.name}
              </a>{" "}
              <span className="muted">{bytes(file.size)}</span>
            </li>
          ))}
        </ul>
      </td>
      <td className="number">
        <Link href={`/jobs/${job.id}/fork?step=${step}`} className="button">
          Fork<span className="sr-only"> from step {count(step)}</span>
        </Link>
      </td>
    </tr>
  );
}
