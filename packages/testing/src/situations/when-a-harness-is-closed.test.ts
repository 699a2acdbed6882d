import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { TestHarness } from '../index.js';

const program = `
import { TestHarness } from ${JSON.stringify(new URL('../index.js', import.meta.url).href)};
const harness = await TestHarness.start({ broker: 'embedded', topology: { queues: ['q'] } });
await harness.publish('', 'q', 1);
await harness.advance('1h');
await harness.queue('q').messages;
await harness.close();
console.log('closed');
`;

describe('when a harness is closed', () => {
  it('keeps the process alive no longer', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    let closedAt = 0;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      closedAt = performance.now();
    });
    const limit = setTimeout(() => child.kill('SIGKILL'), 9000);
    const [code] = (await once(child, 'close')) as [number | null];
    clearTimeout(limit);
    expect({ code, out }).to.deep.equal({ code: 0, out: 'closed\n' });
    expect(performance.now() - closedAt).to.be.below(1000);
  }).timeout(10_000);

  it('can be closed again, and by the end of the block', async () => {
    const harness = await TestHarness.start({ broker: 'embedded' });
    await Promise.all([harness.close(), harness.close()]);
    await harness[Symbol.asyncDispose]();
    expect(harness.app.state).to.equal('closed');
  });
});
