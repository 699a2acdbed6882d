import { expect } from 'chai';
import { describe, it } from 'mocha';
import { candidatesIn, EQUIVALENTS, isMeant } from './candidates.mjs';

describe('equivalents.json', () => {
  it('names mutants that there are, each with a reason', () => {
    const compiled = (file) => file.replace('/src/', '/dist/').replace(/\.ts$/, '.js');
    const candidates = new Map();
    for (const { file } of EQUIVALENTS) {
      if (!candidates.has(file)) candidates.set(file, candidatesIn(compiled(file)));
    }
    const stale = EQUIVALENTS.filter(
      (entry) => !(entry.reason?.length > 10 && candidates.get(entry.file).some((each) => isMeant(entry, each))),
    );
    expect(stale).to.deep.equal([]);
  });
});
