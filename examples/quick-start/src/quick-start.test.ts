import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { build } from 'esbuild';
import { after, before, describe, it } from 'mocha';
import { type BrokerNode, startNode } from '../../../tools/scripts/brokers.mjs';
import { expectedLines, runExample } from '../../../tools/scripts/check-examples.mjs';
import { needs } from '../../../tools/scripts/needs.mjs';

// Its names are those of a real service, so it gets a broker of its own.
describe('the program of the README', () => {
  let node: BrokerNode | undefined;
  before(needs('private brokers'));
  before(async function () {
    this.timeout(90_000);
    node = await startNode();
  });
  after(() => node?.remove());

  const run = (program: string) =>
    runExample(program, {
      env: { AMQP_URL: node?.url ?? '' },
      onLine: (line, child) => {
        if (line === 'order 1 is paid') child.kill('SIGTERM');
      },
    });

  it('handles its message, and ends at a signal', async function () {
    this.timeout(60_000);
    const { code, lines, errors } = await run('examples/quick-start/dist/quick-start.js');
    expect({ code, errors }).to.deep.equal({ code: 0, errors: '' });
    expect(lines.filter(isNoLog)).to.deep.equal(expectedLines('quick-start', 'quick-start'));
  });

  it('does the same when esbuild builds it, without decorator metadata', async function () {
    this.timeout(60_000);
    await build({
      entryPoints: [fileURLToPath(new URL('../src/quick-start.ts', import.meta.url))],
      outfile: fileURLToPath(new URL('quick-start.esbuild.mjs', import.meta.url)),
      format: 'esm',
      target: 'es2022',
      bundle: true,
      packages: 'external',
    });
    const { code, lines, errors } = await run('examples/quick-start/dist/quick-start.esbuild.mjs');
    expect({ code, errors }).to.deep.equal({ code: 0, errors: '' });
    expect(lines.filter(isNoLog)).to.deep.equal(expectedLines('quick-start', 'quick-start'));
  });
});

/** leveret's own log has the time in front. */
function isNoLog(line: string): boolean {
  return !/^\d{4}-\d\d-\d\dT\S+ INFO /.test(line);
}
