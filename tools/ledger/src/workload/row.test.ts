import { expect } from 'chai';
import { describe, it } from 'mocha';
import { ROWS, readRow } from './row.js';

describe('rows', () => {
  it('fills in what a name leaves open', () => {
    expect(readRow('quorum').name).to.equal('quorum-local-inbox');
    expect(readRow('sac-redis').name).to.equal('sac-local-redis');
    expect(readRow('outbox')).to.include({ name: 'quorum-local-inbox-outbox', outbox: true });
  });

  it('reads every row that is listed', () => {
    for (const name of ROWS) expect(readRow(name).name).to.include(name);
  });

  it('refuses what is unknown or said twice', () => {
    expect(() => readRow('quorum-ladder')).to.throw(/expected parts of classic, quorum/);
    expect(() => readRow('quorum-classic')).to.throw(/received 'quorum-classic'/);
  });
});
