import { expect } from 'chai';
import { it } from 'mocha';
import { describeOnEachDatabase } from '../test-support/each-database.js';
import { SqlStreamOffsets } from './sql-stream-offsets.js';

describeOnEachDatabase('SqlStreamOffsets', (at) => {
  it('remembers how far each listener has come in each stream, over instances, and never moves back', async () => {
    const [one, other] = [new SqlStreamOffsets(at.database), new SqlStreamOffsets(at.open())];
    expect(await one.load('payments', 's')).to.equal(undefined);
    await one.save('payments', 's', 0);
    await other.save('payments', 's', 41);
    await one.save('payments', 's', 40);
    await one.save('refunds', 's', 7);
    await one.save('payments', 's2', 8);
    expect(await other.load('payments', 's')).to.equal(41);
    expect([await other.load('refunds', 's'), await other.load('payments', 's2')]).to.deep.equal([7, 8]);
  });

  it('keeps the services of a database apart', async () => {
    await new SqlStreamOffsets(at.open('one')).save('audit', 's', 5);
    expect(await new SqlStreamOffsets(at.open('two')).load('audit', 's')).to.equal(undefined);
  });

  it('commits and rolls back with the transaction of the handler', async () => {
    const database = at.open();
    const offsets = new SqlStreamOffsets(database);
    const undone = database.transaction(async (tx) => {
      await offsets.saveIn(tx, 'exact', 's', 10);
      throw new Error('the handler failed');
    });
    await undone.catch(() => {});
    expect(await offsets.load('exact', 's')).to.equal(undefined);
    await database.transaction((tx) => offsets.saveIn(tx, 'exact', 's', 11));
    expect(await offsets.load('exact', 's')).to.equal(11);
    expect(() => offsets.saveIn(undefined, 'exact', 's', undefined)).to.throw(TypeError, 'x-stream-offset');
  });
});
