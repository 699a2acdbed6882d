import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { scriptsOf } from './run-script.js';
import { rejection } from './test-support/rejection.js';

const SCRIPT = 'return 1';
/** SHA-1 of {@link SCRIPT}. */
const NAME = 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db';

describe('scriptsOf', () => {
  let asked: string[][];
  let answer: () => unknown;

  beforeEach(() => {
    asked = [];
    answer = () => 'by name';
  });

  const redis = {
    eval: async (script: string, keys: number, ...rest: string[]) => {
      asked.push(['eval', script, String(keys), ...rest]);
      return 'as a whole';
    },
    evalsha: async (name: string, keys: number, ...rest: string[]) => {
      asked.push(['evalsha', name, String(keys), ...rest]);
      return answer();
    },
  };
  const whole = ['eval', SCRIPT, '2', 'a', 'b', 'c'];
  const named = ['evalsha', NAME, '2', 'a', 'b', 'c'];
  const failing = (text: string) => () => {
    throw new Error(text);
  };

  it('calls by name, with the keys in front', async () => {
    expect(await scriptsOf(redis)(SCRIPT, ['a', 'b'], ['c'])).to.equal('by name');
    expect(asked).to.deep.equal([named]);
  });

  it('sends a script as a whole that the server does not know, and calls by name again', async () => {
    const run = scriptsOf(redis);
    answer = failing('NOSCRIPT No matching script. Please use EVAL.');
    expect(await run(SCRIPT, ['a', 'b'], ['c'])).to.equal('as a whole');
    answer = () => 'by name';
    expect(await run(SCRIPT, ['a', 'b'], ['c'])).to.equal('by name');
    expect(asked).to.deep.equal([named, whole, named]);
  });

  for (const text of [
    "NOPERM this user has no permissions to run the 'evalsha' command",
    "ERR unknown command 'EVALSHA', with args beginning with:",
  ]) {
    it(`sends each as a whole from then on where it hears ${text.slice(0, 19)}`, async () => {
      const run = scriptsOf(redis);
      answer = failing(text);
      expect(await run(SCRIPT, ['a', 'b'], ['c'])).to.equal('as a whole');
      expect(await run(SCRIPT, ['a', 'b'], ['c'])).to.equal('as a whole');
      expect(asked).to.deep.equal([named, whole, whole]);
    });
  }

  it('tells every other fault, and asks nothing twice', async () => {
    answer = failing('READONLY You can not write against a read only replica.');
    expect(await rejection(scriptsOf(redis)(SCRIPT, ['a', 'b'], ['c'])))
      .to.have.property('message')
      .that.matches(/^READONLY/);
    expect(asked).to.deep.equal([named]);
  });

  it('sends each as a whole by a client that calls nothing by name', async () => {
    expect(await scriptsOf({ eval: redis.eval })(SCRIPT, ['a', 'b'], ['c'])).to.equal('as a whole');
    expect(asked).to.deep.equal([whole]);
  });
});
