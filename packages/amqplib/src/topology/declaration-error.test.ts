import { expect } from 'chai';
import { describe, it } from 'mocha';
import { declarationError } from './declaration-error.js';

const QUEUE = { kind: 'queue', title: 'queue "orders"' } as const;

function refused(code: number, text: string): Error {
  return new Error(`Operation failed: QueueDeclare; ${code} (ANY-NAME) with message "${text}"`);
}

describe('declarationError', () => {
  it('names the differing argument, both values and every way out', () => {
    const cause = refused(
      406,
      "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'orders' in vhost '/': received '5' but current is none",
    );
    const error = declarationError(cause, QUEUE);
    expect(error).to.include({ code: 'LEV_TOPOLOGY_MISMATCH', cause });
    expect(error.message).to.equal(
      'Queue "orders" exists with other properties: x-max-length was declared as "5", the broker has nothing. ' +
        'The queue is left as it is. Way out: set max-length with a policy and leave x-max-length out of the declaration, ' +
        'or declare it as it is, or delete the queue (its messages and bindings go with it) so that it is declared anew.',
    );
  });

  it('offers no policy for what no policy can set', () => {
    const text = "inequivalent arg 'durable' for queue 'orders' in vhost '/': received 'false' but current is 'true'";
    expect(declarationError(refused(406, text), QUEUE).message).not.to.include('policy');
  });

  it('takes a locked queue for a mismatch', () => {
    const error = declarationError(refused(405, 'RESOURCE_LOCKED - cannot obtain exclusive access'), QUEUE);
    expect(error.code).to.equal('LEV_TOPOLOGY_MISMATCH');
    expect(error.message).to.include('Queue "orders" is exclusive to another connection');
  });

  for (const [code, text, hint] of [
    [404, "NOT_FOUND - no exchange 'x' in vhost '/'", 'create it first'],
    [403, "ACCESS_REFUSED - queue name 'amq.foo' contains reserved prefix 'amq.*'", 'belong to the broker'],
    [403, 'ACCESS_REFUSED - operation not permitted on the default exchange', 'leave the declaration out'],
    [403, "ACCESS_REFUSED - access to queue 'q' in vhost '/' refused for user 'u'", 'permission'],
    [541, 'INTERNAL_ERROR - Feature `transient_nonexcl_queues` is deprecated.', 'durable, or exclusive'],
    [503, "COMMAND_INVALID - unknown exchange type 'x-random'", 'enable it'],
    [406, "PRECONDITION_FAILED - invalid property 'non-durable' for queue 'q' in vhost '/'", 'must be durable'],
    [406, "PRECONDITION_FAILED - invalid property 'exclusive-owner' for queue 'q' in vhost '/'", 'cannot be exclusive'],
    [406, "PRECONDITION_FAILED - invalid property 'auto-delete' for queue 'q' in vhost '/'", 'deleted automatically'],
  ] as const) {
    it(`says what to do about ${code} ${text.slice(0, 60)}`, () => {
      const error = declarationError(refused(code, text), QUEUE);
      expect(error.code).to.equal('LEV_TOPOLOGY_REFUSED');
      expect(error.message).to.include('queue "orders"').and.include(text).and.include(hint);
    });
  }

  it("keeps the text of errors that are not the broker's", () => {
    const error = declarationError(new RangeError('Encoded field table exceeds the buffer'), QUEUE);
    expect(error.message).to.equal(
      'The broker refused to declare the queue "orders": Encoded field table exceeds the buffer',
    );
  });
});
