import { expect } from 'chai';
import { describe, it } from 'mocha';
import { makeClient, type RedisScripting, reconnectIfReadOnly, redisFailed } from './redis-client.js';

describe('reconnectIfReadOnly', () => {
  const READ_ONLY = new Error("READONLY You can't write against a read only replica.");
  const asked = (client: object, error: unknown = READ_ONLY) => {
    const calls: unknown[][] = [];
    const disconnect = (...args: unknown[]) => void calls.push(args);
    reconnectIfReadOnly(
      { status: 'ready', options: {}, disconnect, eval: async () => 1, ...client } as RedisScripting,
      error,
    );
    return calls;
  };

  for (const why of ['READONLY', 'NOREPLICAS', 'MASTERDOWN', 'UNBLOCKED']) {
    it(`closes the connection, and makes another, on ${why}`, () => {
      expect(asked({}, new Error(`${why} because`))).to.deep.equal([[true]]);
    });
  }

  it('does nothing for what says nothing of the server', () => {
    expect(asked({}, new Error('OOM command not allowed'))).to.deep.equal([]);
    expect(asked({}, new Error('NOTREADONLYATALL'))).to.deep.equal([]);
  });

  it('leaves alone what is not connected, a cluster, and who has a rule of his own', () => {
    expect(asked({ status: 'reconnecting' })).to.deep.equal([]);
    expect(asked({ isCluster: true })).to.deep.equal([]);
    expect(asked({ isCluster: true, status: 'reconnecting' })).to.deep.equal([]);
    expect(asked({ options: { reconnectOnError: () => true } })).to.deep.equal([]);
  });

  it('is content with a client that cannot', () => {
    expect(() => reconnectIfReadOnly({ eval: async () => 1 }, READ_ONLY)).to.not.throw();
    expect(asked({ disconnect: undefined })).to.deep.equal([]);
  });
});

describe('the trouble of a client', () => {
  const made = () => {
    const { client, trouble } = makeClient('redis://127.0.0.1:1', undefined);
    return { client, trouble };
  };

  it('is what the connection failed by last, until it is ready again', () => {
    const { client, trouble } = made();
    expect(trouble()).to.equal(undefined);
    const [first, last] = [new Error('first'), new Error('last')];
    client.emit('error', first);
    client.emit('error', last);
    expect(trouble()).to.equal(last);
    client.emit('ready');
    expect(trouble()).to.equal(undefined);
  });

  it('stays when the database does not exist: the client goes on in another one', () => {
    const { client, trouble } = made();
    const wrong = new Error('ERR DB index is out of range');
    client.emit('error', wrong);
    client.emit('ready');
    expect(trouble()).to.equal(wrong);
  });
});

describe('redisFailed', () => {
  it('says what failed, and why there is no connection where the cause does not', () => {
    const [cause, trouble] = [new Error('Connection is closed.'), new Error('connect ECONNREFUSED')];
    const plain = redisFailed('claim a in', cause);
    expect(plain).to.include({ code: 'LEV_IDEMPOTENCY_STORE', cause });
    expect(plain.message).to.equal('Could not claim a in Redis: Connection is closed.');
    expect(redisFailed('claim a in', cause, trouble).message).to.equal(
      'Could not claim a in Redis: Connection is closed. (connect ECONNREFUSED)',
    );
    expect(redisFailed('claim a in', cause, cause).message).to.equal(plain.message);
  });
});
