import { expect } from 'chai';
import { before, describe, it } from 'mocha';
import { casesOf, expectedLines, runExample } from '../../../tools/scripts/check-examples.mjs';
import { needs } from '../../../tools/scripts/needs.mjs';

const MAIN = 'examples/publishing/dist/main.js';

describe('the examples of publishing', () => {
  before(needs('rabbitmq'));

  for (const name of casesOf('publishing')) {
    it(`${name} prints what it is expected to print`, async function () {
      this.timeout(60_000);
      const { code, lines, errors } = await runExample(MAIN, { args: [name] });
      expect(lines).to.deep.equal(expectedLines('publishing', name));
      expect({ code, errors }).to.deep.equal({ code: 0, errors: '' });
    });
  }
});
