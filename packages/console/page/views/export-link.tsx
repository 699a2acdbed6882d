import { queryOf } from '../data/api.js';

interface ExportLinkProps {
  readonly queues: readonly string[];
  /** A group; left out: all. */
  readonly id?: string;
}

/** Leads to a file of messages, as `leveret errors export` writes it; what is masked is masked there, too. */
export function ExportLink({ queues, id }: ExportLinkProps) {
  return (
    <a class="button" href={`api/errors/export${queryOf({ queue: queues, id })}`} download={`${id ?? 'errors'}.jsonl`}>
      Export
    </a>
  );
}
