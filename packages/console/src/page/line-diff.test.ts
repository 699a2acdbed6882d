import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { foldDiff, lineDiff } from './line-diff.js';

const SIGNS = { same: ' ', removed: '-', added: '+' };
const signed = (before: string, after: string) => lineDiff(before, after).map(({ kind, text }) => SIGNS[kind] + text);

describe('lineDiff', () => {
  it('tells what was removed, what was added, and where', () => {
    expect(signed('a\nb\nc', 'a\nx\nc')).to.deep.equal([' a', '-b', '+x', ' c']);
    expect(signed('a\nc', 'a\nb\nc')).to.deep.equal([' a', '+b', ' c']);
    expect(lineDiff('a\nb', 'b').map(({ before, after }) => [before, after])).to.deep.equal([
      [1, undefined],
      [2, 1],
    ]);
  });

  it('is both texts, and no longer than it has to be', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        const lines = lineDiff(a.join('\n'), b.join('\n'));
        const side = (other: string) => lines.filter(({ kind }) => kind !== other).map((line) => line.text);
        expect(side('added')).to.deep.equal(a);
        expect(side('removed')).to.deep.equal(b);
        const changed = lines.filter(({ kind }) => kind !== 'same').length;
        expect(changed).to.equal(a.length + b.length - 2 * longestCommon(a, b));
      }),
    );
  });

  it('gives up on the middle of what is too long, not on its ends', () => {
    const long = (name: string) => Array.from({ length: 2500 }, (_, index) => `${name}${index}`).join('\n');
    const lines = lineDiff(`head\n${long('a')}\ntail`, `head\n${long('b')}\ntail`);
    expect(lines).to.have.length(5002);
    expect([lines[0]?.kind, lines[1]?.kind, lines[2501]?.kind, lines.at(-1)?.kind]).to.deep.equal([
      'same',
      'removed',
      'added',
      'same',
    ]);
  });
});

describe('foldDiff', () => {
  it('leaves out what is far from every change', () => {
    const lines = lineDiff('1\n2\n3\n4\n5\n6\n7\n8\n9', '1\n2\n3\n4\nX\n6\n7\n8\n9');
    const rows = foldDiff(lines, 1).map((row) => (row.kind === 'skipped' ? row.count : SIGNS[row.kind] + row.text));
    expect(rows).to.deep.equal([3, ' 4', '-5', '+X', ' 6', 3]);
    expect(foldDiff(lineDiff('a\nb', 'a\nb'))).to.deep.equal([{ kind: 'skipped', count: 2 }]);
  });
});

/** The obvious way, to compare with. */
function longestCommon(a: readonly string[], b: readonly string[]): number {
  const table = a.map(() => b.map(() => 0));
  const at = (i: number, j: number) => table[i]?.[j] ?? 0;
  for (const [i, line] of a.entries()) {
    for (const [j, other] of b.entries()) {
      (table[i] as number[])[j] = line === other ? at(i - 1, j - 1) + 1 : Math.max(at(i - 1, j), at(i, j - 1));
    }
  }
  return at(a.length - 1, b.length - 1);
}
