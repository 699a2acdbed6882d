import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { describe, it } from 'mocha';

const root = new URL('../../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

/** Lines that say something, without their indentation. Imports differ between the guide and the tests. */
function lines(text: string): string {
  const kept = text.split('\n').map((line) => line.trim());
  return kept.filter((line) => line !== '' && !/^import\b/.test(line)).join('\n');
}

describe('docs/testing.md', () => {
  const tested = ['pay-status-listener.ts', '../situations/guide.test.ts']
    .map((name) => lines(read(`packages/testing/src/test-support/${name}`)))
    .join('\n');

  for (const [, block] of read('docs/testing.md').matchAll(/^```ts\n([\s\S]*?)^```$/gm)) {
    const [first] = lines(block as string).split('\n');
    it(`shows what is tested: ${first}`, () => {
      expect(tested).to.contain(lines(block as string));
    });
  }
});
