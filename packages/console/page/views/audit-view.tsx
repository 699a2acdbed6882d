import { useEffect, useState } from 'preact/hooks';
import type { AuditJson } from '../../src/contract/contract.js';
import { numberText } from '../../src/page/count-text.js';
import { matches } from '../../src/page/matches.js';
import { useStore } from '../data/store.js';
import { acts } from '../data/stores.js';
import { useAnswer } from '../data/use-answer.js';
import { Ago } from '../parts/ago.js';
import { FilterBox } from '../parts/filter-box.js';
import { Asking, Empty, FaultNote } from '../parts/notes.js';
import { StrangerText } from '../parts/stranger-text.js';
import { type Column, Table } from '../parts/table.js';

/** Who did what, when, to which messages. */
export function AuditView() {
  const { data, fault, reload } = useAnswer<readonly AuditJson[]>('api/audit');
  const heard = useStore(acts);
  const [filter, setFilter] = useState('');
  useEffect(() => {
    if (data !== undefined) void reload();
  }, [heard]);
  const shown = data?.filter(({ who, what, ids, detail }) => matches(filter, [who, what, detail, ...ids])) ?? [];
  return (
    <>
      <div class="head">
        <h1 tabIndex={-1}>Audit</h1>
        <p class="summary">every act, refused ones too; the last 500</p>
      </div>
      <div class="tools">
        <FilterBox value={filter} what="acts" onChange={setFilter} />
      </div>
      <FaultNote fault={fault} retry={() => void reload()} />
      {data === undefined && fault === undefined && <Asking what="Asking for the acts" />}
      {data !== undefined && shown.length === 0 && (
        <Empty title={data.length === 0 ? 'Nobody has done anything yet' : 'No act matches the filter'} />
      )}
      {shown.length > 0 && (
        <Table
          caption="Acts, the newest first"
          columns={COLUMNS}
          rows={shown}
          keyOf={({ at, what, ids }) => `${at} ${what} ${ids[0] ?? ''}`}
        />
      )}
    </>
  );
}

const COLUMNS: readonly Column<AuditJson>[] = [
  { head: 'When', label: 'When', cell: ({ at }) => <Ago at={at} /> },
  { head: 'Who', label: 'Who', cell: ({ who, role }) => (role === undefined ? who : `${who} (${role})`) },
  {
    head: 'What',
    kind: 'main',
    cell: ({ what, ok }) => (
      <>
        {what} {!ok && <span class="tag bad">refused</span>}
      </>
    ),
  },
  {
    head: 'Messages',
    kind: 'number',
    label: 'Messages',
    cell: ({ count }) => (count === undefined ? '–' : numberText(count)),
  },
  {
    head: 'Of what',
    kind: 'wide',
    label: 'Of what',
    cell: ({ ids, detail }) => (
      <>
        <code>
          <StrangerText text={ids.slice(0, 5).join(', ') + (ids.length > 5 ? ` and ${ids.length - 5} more` : '')} />
        </code>
        {detail !== undefined && (
          <span class="sub">
            <StrangerText text={detail} />
          </span>
        )}
      </>
    ),
  },
];
