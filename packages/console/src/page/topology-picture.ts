import { type Layout, type LayoutSizes, layeredLayout, type Point } from './layered-layout.js';
import { matches } from './matches.js';

/** A node of a topology, as far as its picture needs it. */
export interface PictureNode {
  readonly id: string;
  readonly name: string;
}

/** An arrow of a topology. */
export interface PictureEdge {
  readonly from: string;
  readonly to: string;
  readonly label: string;
}

export const PICTURE_SIZES: LayoutSizes = { nodeWidth: 200, nodeHeight: 34, layerGap: 100, nodeGap: 12 };

/** What a filter finds, and what hangs on it at once: alone, a queue would not say where its messages come from. */
export function narrowed<Node extends PictureNode, Edge extends PictureEdge>(
  nodes: readonly Node[],
  edges: readonly Edge[],
  filter: string,
): { readonly nodes: readonly Node[]; readonly edges: readonly Edge[] } {
  if (filter.trim() === '') return { nodes, edges };
  const found = new Set(nodes.filter(({ name, id }) => matches(filter, [name, id])).map(({ id }) => id));
  for (const { from, to, label } of edges) {
    if (!matches(filter, [label])) continue;
    found.add(from);
    found.add(to);
  }
  const near = edges.filter(({ from, to }) => found.has(from) || found.has(to));
  const kept = new Set([...found, ...near.flatMap(({ from, to }) => [from, to])]);
  return { nodes: nodes.filter(({ id }) => kept.has(id)), edges: near };
}

/** One arrow for all bindings between the same two, with their labels. */
export interface PictureArrow<Edge> {
  readonly from: string;
  readonly to: string;
  readonly edges: readonly Edge[];
}

/** Joins arrows between the same two: ten routing keys are ten lines over each other otherwise. */
export function arrows<Edge extends PictureEdge & { readonly kind: string }>(
  edges: readonly Edge[],
): readonly PictureArrow<Edge>[] {
  const joined = new Map<string, Edge[]>();
  for (const edge of edges) {
    const id = JSON.stringify([edge.from, edge.to, edge.kind]);
    const known = joined.get(id);
    if (known === undefined) joined.set(id, [edge]);
    else known.push(edge);
  }
  return [...joined.values()].flatMap((of) =>
    of[0] === undefined ? [] : [{ from: of[0].from, to: of[0].to, edges: of }],
  );
}

/** Where everything stands. Nodes without any arrow stand in columns below: one to a line they would be most of the picture. */
export function topologyLayout(
  nodes: readonly PictureNode[],
  edges: readonly { readonly from: string; readonly to: string }[],
): Layout {
  const { nodeWidth, nodeHeight, layerGap, nodeGap } = PICTURE_SIZES;
  const tied = new Set(edges.flatMap(({ from, to }) => [from, to]));
  const layout = layeredLayout(
    nodes.filter(({ id }) => tied.has(id)).map(({ id }) => id),
    edges,
    PICTURE_SIZES,
  );
  const lone = nodes.filter(({ id }) => !tied.has(id));
  if (lone.length === 0) return layout;
  const columns = Math.min(lone.length, Math.max(4, Math.round((layout.width + layerGap) / (nodeWidth + layerGap))));
  const top = layout.height === 0 ? 0 : layout.height + 3 * nodeGap;
  const places = lone.map(({ id }, index): [string, Point] => [
    id,
    { x: (index % columns) * (nodeWidth + layerGap), y: top + Math.floor(index / columns) * (nodeHeight + nodeGap) },
  ]);
  const lines = Math.ceil(lone.length / columns);
  return {
    width: Math.max(layout.width, columns * (nodeWidth + layerGap) - layerGap),
    height: top + lines * (nodeHeight + nodeGap) - nodeGap,
    nodes: new Map([...layout.nodes, ...places]),
    edges: layout.edges,
  };
}

/** A line through points, bent so that it leaves and enters level: the `d` of an SVG path. */
export function curve(points: readonly Point[], isBack: boolean): string {
  const [first, ...others] = points;
  if (first === undefined) return '';
  let path = `M${first.x} ${first.y}`;
  let before = first;
  for (const point of others) {
    // What leads back leaves to the right and comes in from the left, around what it connects.
    const reach = isBack ? -Math.min(40, Math.abs(point.x - before.x) / 2) : (point.x - before.x) / 2;
    path +=
      point.y === before.y
        ? `L${point.x} ${point.y}`
        : `C${before.x + reach} ${before.y} ${point.x - reach} ${point.y} ${point.x} ${point.y}`;
    before = point;
  }
  return path;
}

/** A name that fits: its middle is left out, for what differs stands at the ends. */
export function shortName(name: string, longest = 25): string {
  if (name.length <= longest) return name;
  const head = Math.ceil((longest - 1) / 2);
  return `${name.slice(0, head)}…${name.slice(name.length - (longest - 1 - head))}`;
}
