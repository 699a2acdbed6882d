import { useState } from 'preact/hooks';
import type { TopologyEdgeJson, TopologyJson, TopologyNodeJson } from '../../src/contract/contract.js';
import { countText } from '../../src/page/count-text.js';
import { narrowed } from '../../src/page/topology-picture.js';
import { useAnswer } from '../data/use-answer.js';
import { FilterBox } from '../parts/filter-box.js';
import { Asking, Empty, FaultNote, WarnNote } from '../parts/notes.js';
import { type Column, Table } from '../parts/table.js';
import { TopologyPicture } from './topology-picture.js';

/** Exchanges, bindings, queues and consumers, drawn; and as tables. */
export function TopologyView() {
  const { data, fault, isAsking, reload } = useAnswer<TopologyJson>('api/topology');
  const [filter, setFilter] = useState('');
  const [isTable, setTable] = useState(false);
  const [withOwn, setWithOwn] = useState(false);
  const nodes = data?.nodes.filter(({ role }) => withOwn || role !== 'own') ?? [];
  const ids = new Set(nodes.map(({ id }) => id));
  const edges = data?.edges.filter(({ from, to }) => ids.has(from) && ids.has(to)) ?? [];
  const shown = narrowed(nodes, edges, filter);
  const count = (kind: TopologyNodeJson['kind']) => nodes.filter((node) => node.kind === kind).length;
  return (
    <>
      <div class="head">
        <h1 tabIndex={-1}>Topology</h1>
        <p class="summary">
          {data !== undefined &&
            `${countText(count('exchange'), 'exchange')}, ${countText(count('queue'), 'queue')}, ${countText(count('consumer'), 'consumer')}`}
        </p>
      </div>
      <div class="tools">
        <FilterBox value={filter} what="names and keys" onChange={setFilter} />
        <div class="switch" role="group" aria-label="Show as">
          <button type="button" aria-pressed={!isTable} onClick={() => setTable(false)}>
            Picture
          </button>
          <button type="button" aria-pressed={isTable} onClick={() => setTable(true)}>
            Table
          </button>
        </div>
        <label class="check">
          <input type="checkbox" checked={withOwn} onChange={() => setWithOwn(!withOwn)} />
          working queues of leveret
        </label>
        <button type="button" aria-busy={isAsking} onClick={() => void reload()}>
          Look again
        </button>
      </div>
      <FaultNote fault={fault} retry={() => void reload()} />
      {data === undefined && fault === undefined && <Asking what="Asking the broker" />}
      {data?.truncated === true && <WarnNote>There is more than the 2,000 that are shown.</WarnNote>}
      {data !== undefined && shown.nodes.length === 0 && (
        <Empty title={nodes.length === 0 ? 'There is nothing on this virtual host' : 'Nothing matches the filter'} />
      )}
      {shown.nodes.length > 0 && (isTable ? <TopologyTables {...shown} /> : <TopologyPicture {...shown} />)}
    </>
  );
}

interface Shown {
  readonly nodes: readonly TopologyNodeJson[];
  readonly edges: readonly TopologyEdgeJson[];
}

function TopologyTables({ nodes, edges }: Shown) {
  const names = new Map(nodes.map(({ id, kind, name }) => [id, `${kind} ${name}`]));
  const nodeColumns: readonly Column<TopologyNodeJson>[] = [
    { head: 'Name', kind: 'main', cell: ({ name }) => name || '(default exchange)' },
    { head: 'Kind', label: 'Kind', cell: ({ kind, type }) => [type, kind].filter(Boolean).join(' ') },
    { head: 'Role', label: 'Role', cell: ({ role }) => role ?? '–' },
    { head: 'Messages', kind: 'number', label: 'Messages', cell: ({ messages }) => messages ?? '–' },
    {
      head: 'Declared',
      label: 'Declared',
      cell: ({ declared }) => (declared === undefined ? '–' : declared ? 'by this application' : 'elsewhere'),
    },
  ];
  const edgeColumns: readonly Column<TopologyEdgeJson>[] = [
    { head: 'From', kind: 'main', cell: ({ from }) => names.get(from) ?? from },
    { head: 'To', label: 'To', cell: ({ to }) => names.get(to) ?? to },
    { head: 'Kind', label: 'Kind', cell: ({ kind }) => kind },
    { head: 'Key', label: 'Key', cell: ({ label }) => (label === '' ? '–' : <code>{label}</code>) },
  ];
  return (
    <>
      <Table caption="Exchanges, queues and consumers" columns={nodeColumns} rows={nodes} keyOf={({ id }) => id} />
      <h2>Arrows</h2>
      <Table
        caption="Bindings, dead letters and consumers"
        columns={edgeColumns}
        rows={edges}
        keyOf={({ from, to, kind, label }) => `${from}\n${to}\n${kind}\n${label}`}
      />
    </>
  );
}
