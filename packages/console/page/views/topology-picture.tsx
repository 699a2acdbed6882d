import { useMemo, useState } from 'preact/hooks';
import type { TopologyEdgeJson, TopologyNodeJson } from '../../src/contract/contract.js';
import { countText, numberText } from '../../src/page/count-text.js';
import type { Point } from '../../src/page/layered-layout.js';
import { arrows, curve, PICTURE_SIZES, shortName, topologyLayout } from '../../src/page/topology-picture.js';

interface TopologyPictureProps {
  readonly nodes: readonly TopologyNodeJson[];
  readonly edges: readonly TopologyEdgeJson[];
}

const MARGIN = 12;
const { nodeWidth: WIDTH, nodeHeight: HEIGHT } = PICTURE_SIZES;
/** Letters that fit into a node, and over an arrow. */
const LONGEST = 24;
const LABEL = 13;
/** Of so many arrows each shows its key; of more, those of the node that is chosen. */
const FEW = 40;

/** The topology as a graph, from left to right. A chosen node shows what hangs on it. */
export function TopologyPicture({ nodes, edges }: TopologyPictureProps) {
  const [chosen, setChosen] = useState<string>();
  const drawn = useMemo(() => {
    const joined = arrows(edges);
    return { joined, layout: topologyLayout(nodes, joined) };
  }, [nodes.map(({ id }) => id).join('\n'), edges.length]);
  const { joined, layout } = drawn;
  const near = new Set(joined.flatMap(({ from, to }) => (from === chosen || to === chosen ? [from, to] : [])));
  const isFew = joined.length <= FEW;
  const isDim = (id: string) => chosen !== undefined && id !== chosen && !near.has(id);
  const [width, height] = [layout.width + 2 * MARGIN, layout.height + 2 * MARGIN];
  const node = nodes.find(({ id }) => id === chosen);
  return (
    <>
      <Legend />
      <div
        class="topology"
        role="region"
        aria-label="Topology, drawn; the button Table shows the same as tables"
        tabIndex={0}
      >
        <svg
          viewBox={`${-MARGIN} ${-MARGIN} ${width} ${height}`}
          width={width}
          style={{ minWidth: `${Math.round(width * 0.72)}px` }}
          role="group"
          aria-label="Exchanges, queues and consumers"
        >
          <defs>
            <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
              <path d="M0 0L8 4L0 8Z" />
            </marker>
          </defs>
          {joined.map(({ from, to, edges: of }, index) => {
            const { points, isBack } = layout.edges[index] ?? { points: [], isBack: false };
            const isLit = from === chosen || to === chosen;
            const kind = of[0]?.kind ?? 'binding';
            const d = curve(points, isBack);
            return (
              <g
                key={`${from}\n${to}\n${kind}`}
                class={`arrow ${kind} ${chosen === undefined ? '' : isLit ? 'lit' : 'dim-out'}`}
              >
                <title>{labelOf(of)}</title>
                <path d={d} marker-end="url(#arrow)" />
                {(isLit || (isFew && chosen === undefined && saysMore(of))) && (
                  <ArrowLabel points={points} edges={of} />
                )}
              </g>
            );
          })}
          {nodes.map((each) => {
            const place = layout.nodes.get(each.id);
            if (place === undefined) return null;
            return (
              <Node
                key={each.id}
                node={each}
                x={place.x}
                y={place.y}
                isChosen={each.id === chosen}
                isDim={isDim(each.id)}
                onChoose={() => setChosen(each.id === chosen ? undefined : each.id)}
              />
            );
          })}
        </svg>
      </div>
      {node !== undefined && <Chosen node={node} nodes={nodes} edges={edges} />}
    </>
  );
}

interface NodeProps {
  readonly node: TopologyNodeJson;
  readonly x: number;
  readonly y: number;
  readonly isChosen: boolean;
  readonly isDim: boolean;
  onChoose(): void;
}

function Node({ node, x, y, isChosen, isDim, onChoose }: NodeProps) {
  const { kind, name, role, type, messages } = node;
  const text = name === '' ? '(default exchange)' : name;
  const count = messages === undefined || messages === 0 ? '' : numberText(messages);
  const title = [
    type,
    kind,
    text,
    role === undefined ? '' : `(${role})`,
    count === '' ? '' : countText(messages ?? 0, 'message'),
  ]
    .filter((part) => part !== undefined && part !== '')
    .join(' ');
  const press = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    onChoose();
  };
  return (
    <g
      class={`node ${kind} ${role ?? ''} ${isChosen ? 'chosen' : ''} ${isDim ? 'dim-out' : ''}`}
      transform={`translate(${x} ${y})`}
      tabindex={0}
      role="button"
      aria-pressed={isChosen}
      onClick={onChoose}
      onKeyDown={press}
    >
      <title>{title}</title>
      <rect width={WIDTH} height={HEIGHT} rx={kind === 'exchange' ? HEIGHT / 2 : kind === 'queue' ? 4 : 0} />
      {kind === 'consumer' && <path class="notch" d={`M0 0L9 ${HEIGHT / 2}L0 ${HEIGHT}`} />}
      <text x={kind === 'queue' ? 10 : 16} y={HEIGHT / 2 + 4}>
        {shortName(text, count === '' ? LONGEST : LONGEST - count.length - 1)}
      </text>
      {count !== '' && (
        <text class="count" x={WIDTH - 10} y={HEIGHT / 2 + 4}>
          {count}
        </text>
      )}
    </g>
  );
}

/** Whether a key is more than the name of what the arrow leads to, or comes from, once again. */
function saysMore([edge]: readonly TopologyEdgeJson[]): boolean {
  const repeats = (id = '') => id.slice(id.indexOf(':') + 1).startsWith(edge?.label ?? '');
  return edge?.kind === 'binding' && !repeats(edge.to) && !repeats(edge.from);
}

/** The key of an arrow, where it comes in: there no two of different queues are in each other's way. */
function ArrowLabel({
  points,
  edges,
}: {
  readonly points: readonly Point[];
  readonly edges: readonly TopologyEdgeJson[];
}) {
  const end = points.at(-1);
  const label = edges[0]?.label ?? '';
  if (end === undefined || label === '') return null;
  return (
    <text class="label" x={end.x - 10} y={end.y - 5}>
      {edges.length > 1 ? `${edges.length} keys` : shortName(label, LABEL)}
    </text>
  );
}

function labelOf(edges: readonly TopologyEdgeJson[]): string {
  const kind = edges[0]?.kind ?? '';
  const labels = edges.map(({ label }) => label).filter((label) => label !== '');
  return labels.length === 0 ? kind : `${kind}: ${labels.join(', ')}`;
}

/** What hangs on the chosen node, in words. */
function Chosen({ node, nodes, edges }: { readonly node: TopologyNodeJson } & TopologyPictureProps) {
  const names = new Map(nodes.map(({ id, kind, name }) => [id, `${kind} ${name || '(default exchange)'}`]));
  const own = edges.filter(({ from, to }) => from === node.id || to === node.id);
  return (
    <section class="chosen-node" role="status">
      <h2>{names.get(node.id)}</h2>
      <ul>
        {own.map(({ from, to, kind, label }) => (
          <li key={`${from}\n${to}\n${kind}\n${label}`}>
            {from === node.id ? `${WORDS[kind][0]} ${names.get(to)}` : `${WORDS[kind][1]} ${names.get(from)}`}
            {label !== '' && (
              <>
                {' '}
                <code>{label}</code>
              </>
            )}
          </li>
        ))}
      </ul>
      {own.length === 0 && <p class="dim">Nothing leads here, and nothing from here.</p>}
    </section>
  );
}

const WORDS: Readonly<Record<TopologyEdgeJson['kind'], readonly [from: string, to: string]>> = {
  binding: ['routes to', 'gets from'],
  'dead-letter': ['dead letters go to', 'gets dead letters of'],
  alternate: ['what it cannot route goes to', 'gets what could not be routed by'],
  consume: ['is read by', 'reads'],
};

function Legend() {
  const entries: readonly (readonly [string, string])[] = [
    ['exchange', 'exchange'],
    ['queue', 'queue'],
    ['queue error', 'error queue'],
    ['queue delay', 'delay queue'],
    ['consumer', 'consumer'],
  ];
  return (
    <ul class="legend" aria-label="Legend">
      {entries.map(([kind, name]) => (
        <li key={kind}>
          <span class={`swatch ${kind}`} aria-hidden="true" /> {name}
        </li>
      ))}
      <li>
        <span class="swatch dashed" aria-hidden="true" /> dead letters
      </li>
    </ul>
  );
}
