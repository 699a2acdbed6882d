import { expect } from 'chai';
import { before, describe, it } from 'mocha';
import { type BrokerNode, startNode } from '../../../tools/scripts/brokers.mjs';
import { casesOf, expectedLines, runExample } from '../../../tools/scripts/check-examples.mjs';
import { needs } from '../../../tools/scripts/needs.mjs';

const MAIN = 'examples/consuming/dist/main.js';

describe('the examples of consuming', () => {
  before(needs('rabbitmq'));

  for (const name of casesOf('consuming')) {
    it(`${name} prints what it is expected to print`, async function () {
      this.timeout(60_000);
      // Whether a management API is there depends on the machine: the second suite has one of its own.
      const { code, lines, errors } = await runExample(MAIN, {
        args: [name],
        env: { MANAGEMENT_URL: 'http://127.0.0.1:1' },
      });
      expect(lines).to.deep.equal(expectedFrom(name, lines));
      expect({ code, errors }).to.deep.equal({ code: 0, errors: '' });
    });
  }

  it('lists the cases when none is named', async () => {
    const { code, errors } = await runExample(MAIN);
    expect(code).to.equal(2);
    for (const name of casesOf('consuming')) expect(errors).to.include(name);
  });
});

describe('the example of a lazy queue by policy, with a management API', () => {
  before(needs('private brokers'));

  it('sets the policy', async function () {
    this.timeout(120_000);
    const node = await startNode({ plugins: ['rabbitmq_management'] });
    try {
      const { code, lines, errors } = await runExample(MAIN, { args: ['lazy-policy'], env: environmentOf(node) });
      const needed = /^3\.([0-9]|1[01])(\.|$)/.test(node.version);
      expect(lines[0]).to.equal(needed ? 'the policy is set' : NOT_NEEDED);
      expect(lines.slice(1)).to.deep.equal(expectedLines('consuming', 'lazy-policy').slice(1));
      expect({ code, errors }).to.deep.equal({ code: 0, errors: '' });
      const policies = await node.ctl('list_policies');
      if (needed) expect(policies).to.match(/leveret\.examples\.lazy-queue\.\w+.*"queue-mode":"lazy"/);
      else expect(policies).not.to.include('queue-mode');
    } finally {
      await node.remove();
    }
  });
});

const NOT_NEEDED = 'this broker keeps every classic queue on disk: the policy is not needed';

/** What an example prints; from RabbitMQ 3.12 on, the one about a policy for lazy queues finds that none is needed. */
function expectedFrom(name: string, lines: readonly string[]): readonly string[] {
  const expected = expectedLines('consuming', name);
  return name === 'lazy-policy' && lines[0] === NOT_NEEDED ? [NOT_NEEDED, ...expected.slice(1)] : expected;
}

function environmentOf(node: BrokerNode): Readonly<Record<string, string>> {
  return { AMQP_URL: node.url, MANAGEMENT_URL: new URL(node.managementUrl ?? '').origin };
}
