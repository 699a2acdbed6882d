import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { layersOf } from './graph-layers.js';
import { layeredLayout } from './layered-layout.js';
import { crossings, crossingsAvoided } from './order-layers.js';
import { arrows, curve, narrowed, PICTURE_SIZES, shortName, topologyLayout } from './topology-picture.js';

const edge = (from: string, to: string, label = '', kind = 'binding') => ({ from, to, label, kind });
const node = (id: string) => ({ id, name: id });

describe('layeredLayout', () => {
  it('stands every node right of what leads to it', () => {
    const { nodes } = layeredLayout(
      ['ex', 'q', 'dlx', 'dlq', 'c'],
      [edge('ex', 'q'), edge('q', 'dlx'), edge('dlx', 'dlq'), edge('q', 'c')],
      PICTURE_SIZES,
    );
    const xs = ['ex', 'q', 'dlx', 'dlq', 'c'].map((id) => nodes.get(id)?.x);
    expect(xs).to.deep.equal([0, 300, 600, 900, 600]);
  });

  it('draws a circle, such as a delay queue that leads back, with one arrow back', () => {
    const { nodes, edges } = layeredLayout(
      ['q', 'delay', 'ex'],
      [edge('ex', 'q'), edge('q', 'delay'), edge('delay', 'q')],
      PICTURE_SIZES,
    );
    expect(nodes.size).to.equal(3);
    expect(edges.map(({ isBack }) => isBack)).to.deep.equal([false, false, true]);
    expect(edges[2]?.points[0]?.x).to.be.greaterThan(edges[2]?.points.at(-1)?.x ?? 0);
  });

  it('never puts one node over another, and draws every arrow between two', () => {
    const name = fc.constantFrom(...'abcdefghijkl');
    fc.assert(
      fc.property(fc.array(fc.tuple(name, name), { maxLength: 40 }), (pairs) => {
        const ids = [...'abcdefghijkl'];
        const { nodes, edges, width, height } = layeredLayout(
          ids,
          pairs.map(([from, to]) => edge(from, to)),
          PICTURE_SIZES,
        );
        expect(nodes.size).to.equal(ids.length);
        const places = [...nodes.values()];
        for (const [index, a] of places.entries()) {
          expect(a.x).to.be.within(0, width);
          expect(a.y).to.be.within(-0.001, height);
          for (const b of places.slice(index + 1)) {
            const isApart =
              Math.abs(a.x - b.x) >= PICTURE_SIZES.nodeWidth || Math.abs(a.y - b.y) >= PICTURE_SIZES.nodeHeight - 0.001;
            expect(isApart, `${JSON.stringify(a)} ${JSON.stringify(b)}`).to.equal(true);
          }
        }
        for (const [index, [from, to]] of pairs.entries())
          expect((edges[index]?.points.length ?? 0) >= 2).to.equal(from !== to);
      }),
    );
  });

  it('takes a moment for 100 nodes', () => {
    const ids = Array.from({ length: 100 }, (_, index) => `n${index}`);
    const edges = ids.slice(4).map((id, index) => edge(`n${index % 4}`, id));
    const began = performance.now();
    expect(layeredLayout(ids, edges, PICTURE_SIZES).nodes.size).to.equal(100);
    expect(performance.now() - began).to.be.lessThan(2000);
  });
});

describe('crossingsAvoided', () => {
  it('finds the order without crossings where there is one', () => {
    const edges = [edge('a', 'z'), edge('b', 'y'), edge('c', 'x')].map((each, index) => ({ ...each, index }));
    const { layers } = layersOf(['a', 'b', 'c', 'x', 'y', 'z'], edges);
    expect(crossings(layers)).to.equal(3);
    expect(crossings(crossingsAvoided(layers))).to.equal(0);
  });
});

describe('a topology as a picture', () => {
  const nodes = ['orders', 'billing', 'mail', 'lone'].map(node);
  const edges = [
    edge('orders', 'billing', 'order.paid'),
    edge('orders', 'billing', 'order.refunded'),
    edge('orders', 'mail', 'order.shipped'),
  ];

  it('keeps what a filter finds, and what hangs on it', () => {
    const names = (filter: string) => narrowed(nodes, edges, filter).nodes.map(({ id }) => id);
    expect(names('')).to.deep.equal(['orders', 'billing', 'mail', 'lone']);
    expect(names('mail')).to.deep.equal(['orders', 'mail']);
    expect(names('lone')).to.deep.equal(['lone']);
    expect(names('refunded')).to.deep.equal(['orders', 'billing', 'mail']);
    expect(names('nothing')).to.deep.equal([]);
  });

  it('joins arrows between the same two', () => {
    expect(arrows(edges).map(({ to, edges: of }) => [to, of.length])).to.deep.equal([
      ['billing', 2],
      ['mail', 1],
    ]);
    expect(arrows([edge('q', 'dlx'), edge('q', 'dlx', '', 'dead-letter')])).to.have.length(2);
  });

  it('stands what has no arrow below, in columns', () => {
    const { nodes: places, height } = topologyLayout(nodes, edges);
    const lowest = Math.max(...['orders', 'billing', 'mail'].map((id) => places.get(id)?.y ?? 0));
    expect(places.get('lone')?.y).to.be.greaterThan(lowest + PICTURE_SIZES.nodeHeight);
    expect(height).to.be.at.least((places.get('lone')?.y ?? 0) + PICTURE_SIZES.nodeHeight);
    expect(topologyLayout([node('a'), node('b')], []).nodes.get('b')).to.deep.equal({ x: 300, y: 0 });
  });

  it('draws lines that leave and come in level', () => {
    expect(
      curve(
        [
          { x: 0, y: 0 },
          { x: 100, y: 40 },
        ],
        false,
      ),
    ).to.equal('M0 0C50 0 50 40 100 40');
    expect(
      curve(
        [
          { x: 0, y: 0 },
          { x: 100, y: 0 },
        ],
        false,
      ),
    ).to.equal('M0 0L100 0');
    expect(
      curve(
        [
          { x: 100, y: 0 },
          { x: 0, y: 40 },
        ],
        true,
      ),
    ).to.equal('M100 0C60 0 40 40 0 40');
    expect(curve([], false)).to.equal('');
  });

  it('shortens a name in its middle', () => {
    expect(shortName('short')).to.equal('short');
    expect(shortName('trade.pay.success.queue.dlq', 12)).to.equal('trade.…e.dlq');
    expect(shortName('trade.pay.success.queue.dlq', 12)).to.have.length(12);
  });
});
