/** A node in its layer, or where an arrow over several layers passes one. */
export interface LayerNode {
  readonly id: string;
  readonly layer: number;
  readonly isBend: boolean;
  /** Neighbours in the layers beside it. */
  readonly left: LayerNode[];
  readonly right: LayerNode[];
}

interface IndexedEdge {
  readonly from: string;
  readonly to: string;
  readonly index: number;
}

/** The nodes that an arrow passes, from left to right. */
export interface Chain {
  readonly index: number;
  readonly chain: readonly LayerNode[];
  /** Drawn from right to left: it closes a circle. */
  readonly isBack: boolean;
}

/** Puts every node into the layer behind the last of those that lead to it. An arrow to itself has no chain. */
export function layersOf(
  ids: readonly string[],
  edges: readonly IndexedEdge[],
): { readonly layers: readonly (readonly LayerNode[])[]; readonly chains: readonly Chain[] } {
  const forth = withoutCircles(
    ids,
    edges.filter(({ from, to }) => from !== to),
  );
  const layerOf = longestWays(ids, forth);
  const nodes = new Map(ids.map((id) => [id, nodeIn(id, layerOf.get(id) ?? 0, false)]));
  const layers: LayerNode[][] = [];
  const put = (node: LayerNode) => {
    let layer = layers[node.layer];
    if (layer === undefined) {
      layer = [];
      layers[node.layer] = layer;
    }
    layer.push(node);
  };
  for (const node of nodes.values()) put(node);
  const chains = forth.flatMap(({ index, from, to, isBack }) => {
    const [first, last] = [nodes.get(from), nodes.get(to)];
    if (first === undefined || last === undefined) return [];
    const chain = [first];
    for (let layer = first.layer + 1; layer < last.layer; layer++) {
      const bend = nodeIn(`${index}`, layer, true);
      put(bend);
      chain.push(bend);
    }
    chain.push(last);
    for (const [at, node] of chain.slice(1).entries()) {
      chain[at]?.right.push(node);
      node.left.push(chain[at] as LayerNode);
    }
    return [{ index, chain, isBack }];
  });
  return { layers, chains };
}

function nodeIn(id: string, layer: number, isBend: boolean): LayerNode {
  return { id, layer, isBend, left: [], right: [] };
}

type ForthEdge = IndexedEdge & { readonly isBack: boolean };

/** Turns round every arrow that leads back to where a walk came from. */
function withoutCircles(ids: readonly string[], edges: readonly IndexedEdge[]): readonly ForthEdge[] {
  const out = new Map<string, IndexedEdge[]>(ids.map((id) => [id, []]));
  const entered = new Map<string, number>(ids.map((id) => [id, 0]));
  for (const edge of edges) {
    out.get(edge.from)?.push(edge);
    entered.set(edge.to, (entered.get(edge.to) ?? 0) + 1);
  }
  const state = new Map<string, 'open' | 'done'>();
  const back = new Set<number>();
  const walk = (start: string) => {
    const way = [{ id: start, next: 0 }];
    state.set(start, 'open');
    for (let top = way.at(-1); top !== undefined; top = way.at(-1)) {
      const edge = out.get(top.id)?.[top.next++];
      if (edge === undefined) {
        state.set(top.id, 'done');
        way.pop();
      } else if (state.get(edge.to) === 'open') back.add(edge.index);
      else if (state.get(edge.to) === undefined) {
        state.set(edge.to, 'open');
        way.push({ id: edge.to, next: 0 });
      }
    }
  };
  // Where nothing leads to first: a circle is then cut where it comes round, not where it begins.
  for (const id of [...ids].sort((a, b) => (entered.get(a) ?? 0) - (entered.get(b) ?? 0))) {
    if (state.get(id) === undefined) walk(id);
  }
  return edges.map((edge) =>
    back.has(edge.index)
      ? { index: edge.index, from: edge.to, to: edge.from, isBack: true }
      : { ...edge, isBack: false },
  );
}

function longestWays(ids: readonly string[], edges: readonly ForthEdge[]): ReadonlyMap<string, number> {
  const into = new Map<string, number>(ids.map((id) => [id, 0]));
  const out = new Map<string, string[]>(ids.map((id) => [id, []]));
  for (const { from, to } of edges) {
    into.set(to, (into.get(to) ?? 0) + 1);
    out.get(from)?.push(to);
  }
  const layer = new Map<string, number>(ids.map((id) => [id, 0]));
  const ready = ids.filter((id) => into.get(id) === 0);
  for (let id = ready.pop(); id !== undefined; id = ready.pop()) {
    for (const to of out.get(id) ?? []) {
      layer.set(to, Math.max(layer.get(to) ?? 0, (layer.get(id) ?? 0) + 1));
      const open = (into.get(to) ?? 0) - 1;
      into.set(to, open);
      if (open === 0) ready.push(to);
    }
  }
  return layer;
}
