import { type LayerNode, layersOf } from './graph-layers.js';
import { crossingsAvoided } from './order-layers.js';
import { spread } from './spread.js';

/** Distances of a layout, in pixels. */
export interface LayoutSizes {
  readonly nodeWidth: number;
  readonly nodeHeight: number;
  /** Between layers. */
  readonly layerGap: number;
  /** Between nodes of a layer. */
  readonly nodeGap: number;
}

/** An arrow to be drawn. */
export interface LayoutEdge {
  readonly from: string;
  readonly to: string;
}

/** A point of a line. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Where everything stands: nodes by their left upper corner, arrows by their points. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly nodes: ReadonlyMap<string, Point>;
  /** In the order of the edges that were given. An arrow back is drawn around. */
  readonly edges: readonly { readonly points: readonly Point[]; readonly isBack: boolean }[];
}

const SWEEPS = 8;
/** So many nodes below its first neighbour a node stands at most. */
const DOWN = 5;

/**
 * Draws a directed graph in layers from left to right: every arrow leads to a layer further right, but those that close a circle.
 * Pieces that hang together stand below each other, the largest first.
 */
export function layeredLayout(ids: readonly string[], edges: readonly LayoutEdge[], sizes: LayoutSizes): Layout {
  const { nodeWidth, nodeHeight, layerGap, nodeGap } = sizes;
  const nodes = new Map<string, Point>();
  const drawn: Layout['edges'][number][] = edges.map(() => ({ points: [], isBack: false }));
  let [top, width] = [0, 0];
  for (const piece of pieces(ids, edges)) {
    const own = edges.flatMap((edge, index) =>
      piece.has(edge.from) && piece.has(edge.to) ? [{ ...edge, index }] : [],
    );
    const { layers, chains } = layersOf([...piece], own);
    const ordered = crossingsAvoided(layers);
    const ys = heights(ordered, nodeHeight + nodeGap);
    const highest = Math.min(...ys.values());
    const place = (node: LayerNode): Point => ({
      x: node.layer * (nodeWidth + layerGap),
      y: top + (ys.get(node) ?? 0) - highest,
    });
    for (const layer of ordered) for (const node of layer) if (!node.isBend) nodes.set(node.id, place(node));
    for (const { index, chain, isBack } of chains) {
      const points = chain.flatMap((node) => {
        const { x, y } = place(node);
        const middle = y + nodeHeight / 2;
        return [
          { x, y: middle },
          { x: x + nodeWidth, y: middle },
        ];
      });
      // From the right side of the first to the left side of the last; what leads back is drawn the other way round.
      drawn[index] = { points: isBack ? [...points].reverse() : points.slice(1, -1), isBack };
    }
    const lowest = Math.max(...ys.values()) - highest;
    top += lowest + nodeHeight + 2 * nodeGap;
    width = Math.max(width, layers.length * (nodeWidth + layerGap) - layerGap);
  }
  return { width, height: Math.max(0, top - 2 * nodeGap), nodes, edges: drawn };
}

/** What hangs together, the largest piece first. */
function pieces(ids: readonly string[], edges: readonly LayoutEdge[]): readonly ReadonlySet<string>[] {
  const neighbours = new Map<string, string[]>(ids.map((id) => [id, []]));
  for (const { from, to } of edges) {
    neighbours.get(from)?.push(to);
    neighbours.get(to)?.push(from);
  }
  const seen = new Set<string>();
  const found: Set<string>[] = [];
  for (const id of ids) {
    if (seen.has(id)) continue;
    const piece = new Set<string>();
    const waiting = [id];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (seen.has(next) || !neighbours.has(next)) continue;
      seen.add(next);
      piece.add(next);
      waiting.push(...(neighbours.get(next) ?? []));
    }
    // In the order that was given, so that the same graph is drawn the same way again.
    found.push(new Set(ids.filter((each) => piece.has(each))));
  }
  return found.sort((a, b) => b.size - a.size);
}

/** Heights near those of the neighbours, in the order of each layer. */
function heights(layers: readonly (readonly LayerNode[])[], step: number): ReadonlyMap<LayerNode, number> {
  const ys = new Map<LayerNode, number>();
  for (const layer of layers) for (const [index, node] of layer.entries()) ys.set(node, index * step);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const isForth = sweep % 2 === 0;
    for (const layer of isForth ? layers : [...layers].reverse()) {
      const wanted = layer.map((node) => {
        const near = isForth ? node.left : node.right;
        return near.length === 0
          ? (ys.get(node) ?? 0)
          : beside(
              near.map((each) => ys.get(each) ?? 0),
              step,
            );
      });
      for (const [index, y] of spread(wanted, step).entries()) ys.set(layer[index] as LayerNode, y);
    }
  }
  return ys;
}

/**
 * In the middle of its neighbours, but near the first of many: whoever looks at the top of a long picture shall see where its arrows
 * come from.
 */
function beside(ys: readonly number[], step: number): number {
  return Math.min(mean(ys), Math.min(...ys) + DOWN * step);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
