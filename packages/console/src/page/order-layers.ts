import type { LayerNode } from './graph-layers.js';

const SWEEPS = 12;

/** Orders every layer by where its neighbours stand, forth and back, and keeps the order with the fewest crossing arrows. */
export function crossingsAvoided(layers: readonly (readonly LayerNode[])[]): readonly (readonly LayerNode[])[] {
  let best = layers;
  let fewest = crossings(layers);
  let current = layers;
  for (let sweep = 0; sweep < SWEEPS && fewest > 0; sweep++) {
    current = sweep % 2 === 0 ? sweepForth(current) : sweepBack(current);
    const count = crossings(current);
    if (count < fewest) [best, fewest] = [current, count];
  }
  return best;
}

function sweepForth(layers: readonly (readonly LayerNode[])[]): readonly (readonly LayerNode[])[] {
  const swept: (readonly LayerNode[])[] = [];
  for (const layer of layers) {
    const before = swept.at(-1);
    swept.push(before === undefined ? layer : byNeighbours(layer, before, ({ left }) => left));
  }
  return swept;
}

function sweepBack(layers: readonly (readonly LayerNode[])[]): readonly (readonly LayerNode[])[] {
  const swept: (readonly LayerNode[])[] = [];
  for (const layer of [...layers].reverse()) {
    const behind = swept[0];
    swept.unshift(behind === undefined ? layer : byNeighbours(layer, behind, ({ right }) => right));
  }
  return swept;
}

function byNeighbours(
  layer: readonly LayerNode[],
  beside: readonly LayerNode[],
  near: (node: LayerNode) => readonly LayerNode[],
): readonly LayerNode[] {
  const place = new Map(beside.map((node, index) => [node, index]));
  const weight = new Map(
    layer.map((node, index) => {
      const places = near(node).map((each) => place.get(each) ?? 0);
      return [node, places.length === 0 ? index : places.reduce((sum, each) => sum + each, 0) / places.length];
    }),
  );
  return [...layer].sort((a, b) => (weight.get(a) ?? 0) - (weight.get(b) ?? 0));
}

/** How many pairs of arrows between neighbouring layers cross. */
export function crossings(layers: readonly (readonly LayerNode[])[]): number {
  let count = 0;
  for (const [index, layer] of layers.entries()) {
    const place = new Map(layers[index + 1]?.map((node, at) => [node, at]));
    const ends = layer.flatMap((node) =>
      node.right
        .map((each) => place.get(each))
        .filter((at): at is number => at !== undefined)
        .sort((a, b) => a - b),
    );
    for (const [at, end] of ends.entries()) for (const before of ends.slice(0, at)) if (before > end) count++;
  }
  return count;
}
