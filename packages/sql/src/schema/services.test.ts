import { expect } from 'chai';
import { beforeEach, it } from 'mocha';
import { SqlIdempotencyStore } from '../idempotency/sql-idempotency-store.js';
import { TransactionalInbox } from '../inbox/transactional-inbox.js';
import { describeOnEachDatabase } from '../test-support/each-database.js';
import { recordRetention } from './services.js';

describeOnEachDatabase('the record of services', (at) => {
  const uses = (queue: string) => ({ service: 'billing', uses: new Map([['Orders.onPaid', queue]]) });
  beforeEach(() => at.database.query('DELETE FROM leveret_services'));

  it('tells a second application under the same name, through inbox and store', async () => {
    const kinds = async (queue: string) => {
      const inbox = new TransactionalInbox(at.open('billing'));
      return (await inbox.check(uses(queue))).map(({ kind }) => kind).filter((kind) => kind === 'service-conflict');
    };
    expect(await kinds('a')).to.deep.equal([]);
    expect(await kinds('a')).to.deep.equal([]);
    expect(await kinds('b')).to.deep.equal(['service-conflict']);
    const found = await new SqlIdempotencyStore(at.open('billing')).check(uses('a'));
    expect(found.find(({ kind }) => kind === 'service-conflict')?.text).to.contain(
      'Orders.onPaid is b there, and a here',
    );
  });

  it('tells one of two that start at once', async () => {
    const answers = await Promise.all(
      ['a', 'b'].map((queue) => new TransactionalInbox(at.open('billing')).check(uses(queue))),
    );
    expect(answers.flat().filter(({ kind }) => kind === 'service-conflict')).to.have.length(1);
  });

  it('keeps what other handlers wrote, and starts anew where somebody wrote nonsense', async () => {
    const inbox = new TransactionalInbox(at.open('billing'));
    await inbox.check(uses('a'));
    await inbox.check({ service: 'billing', uses: new Map([['Other.on', 'x']]) });
    expect((await inbox.check(uses('b'))).map(({ kind }) => kind)).to.include('service-conflict');
    await at.database.query(`UPDATE leveret_services SET fingerprint = 'nonsense'`);
    expect((await inbox.check(uses('a'))).map(({ kind }) => kind)).to.not.include('service-conflict');
  });

  it('knows the longest time that any service wants to remember', async () => {
    expect(await recordRetention(at.open('billing'), 1_000)).to.equal(1_000);
    expect(await recordRetention(at.open('shipping'), 5_000)).to.equal(5_000);
    expect(await recordRetention(at.open('billing'), 2_000)).to.equal(5_000);
    expect(await recordRetention(at.open('shipping'), 3_000)).to.equal(3_000);
  });
});
