import type { Message as AmqplibMessage } from 'amqplib';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { readMessage } from './read-delivery.js';

const fields = { deliveryTag: 1, consumerTag: 'c', exchange: 'x', routingKey: 'k', redelivered: true };

describe('readMessage', () => {
  it('flattens properties, fields and body', () => {
    const properties = { headers: { a: 1 }, contentType: 'text/plain', messageId: 'm', timestamp: 5, clusterId: 'no' };
    const message = readMessage({ content: Buffer.from('b'), fields, properties } as unknown as AmqplibMessage);
    expect(message).to.include({ exchange: 'x', routingKey: 'k', redelivered: true, messageId: 'm', timestamp: 5 });
    expect(message.headers).to.deep.equal({ a: 1 });
    expect(message).not.to.have.property('clusterId');
  });

  it('gives every message the same shape, and those without headers the same frozen ones', () => {
    const bare = { content: Buffer.alloc(0), fields, properties: {} } as unknown as AmqplibMessage;
    const [one, two] = [readMessage(bare), readMessage(bare)];
    expect(Object.keys(one)).to.have.lengthOf(18);
    expect(one.headers).to.equal(two.headers).and.to.be.frozen;
  });
});
