import { expect } from 'chai';
import { describe, it } from 'mocha';
import { isMessageRefused, MessageRefusedError, MessageValidationError } from '../errors/message-error.js';
import { ACK, REJECT, travel } from './journey.support.test.js';

function refuses(error: Error = new MessageRefusedError('A pipe refused the message: no')) {
  return {
    handle: () => {
      throw error;
    },
  };
}

describe('the journey of a message that is refused inside an attempt', () => {
  const retry = { maxAttempts: 3, initialInterval: 10 };

  it('is rejected at once, as one that cannot be read', async () => {
    const { frames, types } = await travel({ ...refuses(), retry });
    expect(frames).to.deep.equal([REJECT]);
    expect(types.slice(0, 2)).to.deep.equal(['received', 'invalid']);
  });

  it('goes to the recoverer where invalid messages do', async () => {
    let reason: unknown;
    const recover = (failure: { readonly reason: string }) => {
      reason = failure.reason;
      return 'ack' as const;
    };
    const { frames } = await travel({
      ...refuses(),
      retry,
      definition: { invalid: 'recover', recoverer: { recover } },
    });
    expect(reason).to.equal('invalid');
    expect(frames).to.deep.equal([ACK]);
  });

  it('is not taken for any other error of the same code', async () => {
    const { types } = await travel({ ...refuses(new MessageValidationError('of what it wanted to send', [])), retry });
    expect(types[1]).to.equal('failed');
    expect(isMessageRefused(new MessageRefusedError('no'))).to.equal(true);
    for (const other of [undefined, new Error('no'), new MessageValidationError('no', [])]) {
      expect(isMessageRefused(other)).to.equal(false);
    }
  });
});
