import { expect } from 'chai';
import { before, describe, it } from 'mocha';
import { expectedLines, runExample } from '../../../tools/scripts/check-examples.mjs';
import { needs } from '../../../tools/scripts/needs.mjs';

const DEMO = 'examples/demo/dist/demo.js';

describe('the demo', () => {
  describe('with a broker', () => {
    before(needs('rabbitmq'));

    it('tells what becomes of each message, and ends with 0', async function () {
      this.timeout(90_000);
      const { code, lines, errors } = await runExample(DEMO);
      expect(lines).to.deep.equal(expectedLines('demo', 'demo'));
      expect({ code, errors }).to.deep.equal({ code: 0, errors: '' });
    });
  });

  it('tells the same on an embedded broker, and says that it is one', async function () {
    this.timeout(90_000);
    const { code, lines, errors } = await runExample(DEMO, { args: ['--embedded'] });
    expect(lines[0]).to.equal('As asked: the demo runs on an embedded broker inside this process.');
    // What it has parked is gone with the broker.
    const expected = expectedLines('demo', 'demo').filter((line) => !/leveret (errors|console)/.test(line));
    expect(lines.slice(1)).to.deep.equal(expected);
    expect({ code, errors }).to.deep.equal({ code: 0, errors: '' });
  });

  it('says in a sentence that no broker answers, and ends with 1 in less than 15 seconds', async function () {
    this.timeout(15_000);
    const { code, lines, errors } = await runExample(DEMO, { env: { AMQP_URL: 'amqp://user:secret@127.0.0.1:1' } });
    expect(code).to.equal(1);
    expect(lines.join('')).to.equal('');
    expect(errors).to.match(/^The demo needs a RabbitMQ\. No connection to 127\.0\.0\.1:1 within 5000 ms/);
    expect(errors).not.to.include('secret');
  });
});
