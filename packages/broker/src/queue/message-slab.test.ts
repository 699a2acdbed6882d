import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { Message } from './message.js';
import { MessageSlab } from './message-slab.js';

const COUNT = 1000;
const PROPERTIES = Buffer.from('--properties--');

/** A message that came in a buffer of its own, among other frames. */
function arrived(slab: MessageSlab, body: string): { readonly message: Message; readonly input: Buffer } {
  const input = Buffer.concat([PROPERTIES, Buffer.from(`<${body}>`)]);
  const message = slab.message('x', 'k', input, 2, 12, input, PROPERTIES.length + 1, input.length - 1);
  return { message, input };
}

const propertiesOf = (message: Message) =>
  message.bytes.toString('latin1', message.propertiesStart, message.propertiesEnd);
const bodyOf = (message: Message) => message.bodyBytes.toString('latin1', message.bodyStart, message.bodyEnd);

describe('MessageSlab', () => {
  it('keeps small messages together, and lets go of the buffers they came in', () => {
    const slab = new MessageSlab();
    const messages = Array.from({ length: COUNT }, (_, n) => arrived(slab, `${n} ${'x'.repeat(200)}`).message);
    const buffers = new Set(messages.flatMap(({ bytes, bodyBytes }) => [bytes.buffer, bodyBytes.buffer]));
    expect(buffers.size).to.equal(4);
    for (const [n, message] of messages.entries()) {
      expect([propertiesOf(message), bodyOf(message)]).to.deep.equal(['properties', `${n} ${'x'.repeat(200)}`]);
    }
  });

  it('leaves large messages where they are', () => {
    const { message, input } = arrived(new MessageSlab(), 'x'.repeat(4096));
    expect([message.bytes, message.bodyBytes]).to.deep.equal([input, input]);
    expect(message.bodyBytes).to.equal(input);
    expect([propertiesOf(message), bodyOf(message)]).to.deep.equal(['properties', 'x'.repeat(4096)]);
  });

  it('takes messages without a body and without properties', () => {
    const slab = new MessageSlab();
    const empty = slab.message('x', 'k', PROPERTIES, 0, 0, PROPERTIES, 0, 0);
    expect([propertiesOf(empty), bodyOf(empty), empty.bodySize]).to.deep.equal(['', '', 0]);
    expect(bodyOf(arrived(slab, '').message)).to.equal('');
  });
});
