import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { readRow } from '../workload/row.js';
import { patched } from './plant-hooks.js';
import { PLANTS } from './plants.js';

describe('planted bugs', () => {
  it('are fifteen at least, each with a name of its own', () => {
    expect(PLANTS.length).to.be.at.least(15);
    expect(new Set(PLANTS.map(({ name }) => name)).size).to.equal(PLANTS.length);
  });

  for (const { name, patches, row } of PLANTS) {
    it(`${name} still fits what is built`, () => {
      readRow(row);
      const sources = new Map<string, string>();
      for (const patch of patches) {
        const url = new URL(`../../../../packages/${patch.file}`, import.meta.url);
        sources.set(patch.file, patched(sources.get(patch.file) ?? readFileSync(url, 'utf8'), patch));
      }
    });
  }
});
