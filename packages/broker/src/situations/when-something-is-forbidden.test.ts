import { expect } from 'chai';
import { describe, it } from 'mocha';
import { describeSeen, type RawClient, table } from '../testing/raw-client.support.test.js';
import { expectLines, Situation } from '../testing/situation.support.test.js';

const USERS = [
  { name: 'guest', password: 'guest', permissions: { '/': {} } },
  {
    name: 'ada',
    password: 'pass',
    permissions: { '/': { configure: 'ada\\..*', write: 'ada\\..*|amq\\.default', read: 'ada\\..*' } },
  },
];

async function ada(situation: Situation): Promise<RawClient> {
  return situation.client({ user: 'ada', password: 'pass' });
}

describe('when something is forbidden', () => {
  it('refuses what the user may not do, in the words of the version', async () => {
    for (const version of ['3.10', '4.3'] as const) {
      await using situation = await Situation.start({ version, users: USERS });
      const guest = await situation.client();
      guest.send(1, 'queue.declare', { queue: 'secret' });
      await guest.settle();
      for (const [name, values, what, resource, ids] of [
        ['queue.declare', { queue: 'x' }, 'configure', "queue 'x'", '50,10'],
        ['exchange.declare', { exchange: 'x', type: 'direct' }, 'configure', "exchange 'x'", '40,10'],
        ['basic.get', { queue: 'secret' }, 'read', "queue 'secret'", '60,70'],
        ['basic.consume', { queue: 'secret' }, 'read', "queue 'secret'", '60,20'],
      ] as const) {
        const client = await ada(situation);
        client.send(1, name, values);
        const access = version === '3.10' ? 'access' : `${what} access`;
        const text = `ACCESS_REFUSED - ${access} to ${resource} in vhost '/' refused for user 'ada'`;
        await expectLines(client, [`1 channel.close 403 ${text} (${ids})`]);
      }
      const client = await ada(situation);
      client.publish(1, 'amq.topic', 'k', 'm');
      expect((await client.next()).method?.text('replyText')).to.include("exchange 'amq.topic'");
    }
  });

  it('says of a system exchange that nobody may delete it, before it looks at rights', async () => {
    await using situation = await Situation.start({ users: USERS });
    const client = await ada(situation);
    client.send(1, 'exchange.delete', { exchange: 'amq.direct' });
    expect((await client.next()).method?.text('replyText')).to.include('deletion of system exchange');
  });

  it('allows what matches as a whole', async () => {
    await using situation = await Situation.start({ users: USERS });
    const client = await ada(situation);
    client.send(1, 'queue.declare', { queue: 'ada.q' });
    client.publish(1, '', 'ada.q', 'm');
    client.send(1, 'basic.get', { queue: 'ada.q', noAck: true });
    await expectLines(client, [
      '1 queue.declare-ok ada.q messages=0 consumers=0',
      '1 basic.get-ok #1 exchange= key=ada.q body=m left=0',
    ]);
  });

  it('takes the name of another user from nobody but an impersonator', async () => {
    const tagged = { name: 'eve', password: 'pass', tags: ['impersonator'], permissions: { '/': {} } };
    await using situation = await Situation.start({ users: [...USERS, tagged] });
    const eve = await situation.client({ user: 'eve', password: 'pass' });
    eve.send(1, 'queue.declare', { queue: 'ada.q' });
    eve.publish(1, '', 'ada.q', 'm', { user_id: 'guest' });
    eve.send(1, 'basic.get', { queue: 'ada.q', noAck: true });
    await expectLines(eve, [
      '1 queue.declare-ok ada.q messages=0 consumers=0',
      '1 basic.get-ok #1 exchange= key=ada.q user_id=guest body=m left=0',
    ]);
    const client = await ada(situation);
    client.publish(1, '', 'ada.q', 'm', { user_id: 'guest' });
    const text = "PRECONDITION_FAILED - user_id property set to 'guest' but authenticated user was 'ada'";
    await expectLines(client, [`1 channel.close 406 ${text} (60,40)`]);
  });

  it('needs a right to the dead-letter exchange', async () => {
    await using situation = await Situation.start({ users: USERS });
    const client = await ada(situation);
    const queueArguments = table({ 'x-dead-letter-exchange': 'amq.direct' });
    client.send(1, 'queue.declare', { queue: 'ada.q', arguments: queueArguments });
    expect((await client.next()).method?.text('replyText')).to.include("exchange 'amq.direct'");
  });

  it('keeps users out of virtual hosts that are not theirs', async () => {
    await using situation = await Situation.start({ users: USERS, vhosts: ['other'] });
    const client = await situation.connect({ user: 'ada', password: 'pass', vhost: 'other' });
    expect(describeSeen(await client.next())).to.equal(
      "0 connection.close 530 NOT_ALLOWED - access to vhost 'other' refused for user 'ada' (10,40)",
    );
  });

  it('keeps virtual hosts apart', async () => {
    await using situation = await Situation.start({ vhosts: ['other'] });
    const client = await situation.client({ vhost: 'other' });
    client.send(1, 'queue.declare', { queue: 'q' });
    await client.settle();
    expect([situation.broker.queues().length, situation.broker.queues('other').length]).to.deep.equal([0, 1]);
  });
});
