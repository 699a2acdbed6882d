import { resolveConnectionOptions } from '@leveret/amqplib';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { connectionTo } from './broker-side.js';

describe('connectionTo', () => {
  it('leaves out where the production broker is and who one is there, and keeps the rest', () => {
    const production = {
      urls: ['amqps://a.example', 'amqps://b.example'],
      credentials: () => ({ username: 'shop', password: 'secret' }),
      vhost: 'prod',
      tls: { ca: 'x' },
      shuffle: true,
      heartbeat: 5000,
    };
    const resolved = resolveConnectionOptions(connectionTo('amqp://guest:guest@127.0.0.1:1', production, 'test'));
    expect(resolved.hosts).to.have.length(1);
    expect(resolved.hosts[0]).to.include({ hostname: '127.0.0.1', username: 'guest', tls: false, vhost: '/' });
    expect(resolved).to.include({ heartbeatSeconds: 5, name: 'test', credentials: undefined });
  });
});
