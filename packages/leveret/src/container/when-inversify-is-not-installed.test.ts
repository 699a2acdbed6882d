import { expect } from 'chai';
import { describe, it } from 'mocha';
import { runProgram } from '../test-support/run-program.js';

/** What every program begins with; decorators are applied by hand, as compilers do. */
const PRELUDE = `
  import { Leveret, Listener, leveretModule, Payload, UseInterceptors } from 'leveret';
  import { FakeTransport, until } from './dist/test-support/fake-transport.js';
  class Orders {
    constructor(...paid) { this.paid = paid; }
    on(event) { this.paid.push(event.id); }
  }
  const descriptor = Object.getOwnPropertyDescriptor(Orders.prototype, 'on');
  Listener('orders')(Orders.prototype, 'on', descriptor);
  Payload(Object)(Orders.prototype, 'on', 0);
  async function handled(options) {
    const transport = new FakeTransport();
    const app = await Leveret.start({ transport, logger: 'silent', ...options });
    transport.deliver('orders', { id: 7 });
    await until('settled', () => transport.settled.length > 0);
    await app.close();
    return transport.settled.join();
  }
`;

const without = ['inversify', '@inversifyjs'];

describe('when inversify is not installed', function () {
  this.timeout(60_000);

  it('goes without: classes, instances, a Map and any other container', async () => {
    const ways = [
      '{ listeners: [Orders] }',
      '{ listeners: [new Orders(1)] }',
      '{ listeners: [Orders], container: new Map([[Orders, new Orders()]]) }',
      '{ listeners: [Orders], container: { resolve: (token) => new token() } }',
    ];
    const program = `${PRELUDE} for (const each of [${ways.join()}]) console.log(await handled(each));`;
    expect(await runProgram(program, { without })).to.equal('ack 1\nack 1\nack 1\nack 1\n');
  });

  it('says what to do about a class that takes parameters', async () => {
    const program = `${PRELUDE}
      class Needy { constructor(orders) {} on() {} }
      Listener('orders')(Needy.prototype, 'on', Object.getOwnPropertyDescriptor(Needy.prototype, 'on'));
      console.log(await handled({ listeners: [Needy] }).catch((error) => error.message));`;
    expect(await runProgram(program, { without })).to.match(/Needy cannot be made: its constructor takes a parameter/);
  });

  it('says that a container of inversify needs inversify', async () => {
    const program = `${PRELUDE}
      const methods = ['get', 'getAsync', 'bind', 'isBound', 'isCurrentBound', 'unbindAsync', 'register'];
      const container = Object.fromEntries(methods.map((name) => [name, () => undefined]));
      console.log(await handled({ listeners: [Orders], container }).catch((error) => error.message));`;
    expect(await runProgram(program, { without })).to.match(/inversify is needed.*npm install inversify/);
  });

  it('is not loaded either where it is installed, unless a container or a class needs it', async () => {
    const watched = ['inversify'];
    const plain = `${PRELUDE} console.log(typeof leveretModule, await handled({ listeners: [Orders] }));`;
    expect(await runProgram(plain, { watched })).to.equal('function ack 1\n');
    const needed = `${PRELUDE}
      const { injectable } = await import('inversify');
      console.log('now');
      injectable()(Orders);
      console.log(await handled({ listeners: [Orders] }));`;
    expect(await runProgram(needed, { watched })).to.equal('loads inversify\nnow\nloads inversify\nack 1\n');
  });
});
