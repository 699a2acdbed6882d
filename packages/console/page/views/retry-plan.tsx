import type { RetryPlanJson } from '../../src/contract/contract.js';
import { countText, numberText } from '../../src/page/count-text.js';
import { Table } from '../parts/table.js';
import { targetText } from './target-text.js';

interface RetryPlanProps {
  readonly plan: RetryPlanJson;
  readonly canary: number;
  readonly rate: number | undefined;
}

/** What a retry would do. Nothing was touched to find out. */
export function RetryPlan({ plan, canary, rate }: RetryPlanProps) {
  const { planned, total, faults } = plan;
  if (faults.length > 0) {
    return (
      <div class="note bad" role="alert">
        <p>This cannot be done; nothing was touched.</p>
        <ul>
          {faults.map((fault) => (
            <li key={fault}>{fault}</li>
          ))}
        </ul>
      </div>
    );
  }
  if (total === 0) return <p class="note warn">None of these is parked any more. Look again.</p>;
  const first = Math.min(canary, total);
  return (
    <div class="plan" role="status">
      <ol class="steps">
        {first > 0 && <li>{countText(first, 'message')} first, and their outcome is waited for</li>}
        <li>
          {first > 0
            ? `then ${total - first === 0 ? 'none' : countText(total - first, 'other')}`
            : countText(total, 'message')}
          {rate === undefined ? ', as fast as the broker confirms' : `, ${numberText(rate)} a second`}
        </li>
      </ol>
      <Table
        caption="Where they go"
        rows={ways(planned)}
        keyOf={({ from, to }) => `${from}\n${to}`}
        columns={[
          {
            head: planned.length < total ? `Of the first ${planned.length}` : 'Messages',
            kind: 'number',
            label: 'Messages',
            cell: ({ count }) => numberText(count),
          },
          { head: 'From', label: 'From', cell: ({ from }) => from },
          { head: 'To', label: 'To', cell: ({ to }) => to },
        ]}
      />
    </div>
  );
}

interface Way {
  readonly from: string;
  readonly to: string;
  readonly count: number;
}

function ways(planned: RetryPlanJson['planned']): readonly Way[] {
  const counts = new Map<string, Way>();
  for (const { queue: from, ...target } of planned) {
    const to = targetText(target);
    const id = `${from}\n${to}`;
    counts.set(id, { from, to, count: (counts.get(id)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}
