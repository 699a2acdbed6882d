import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { before, describe, it } from 'mocha';
import { needs } from '../../../tools/scripts/needs.mjs';

const COMMAND = new URL('../bin/leveret.js', import.meta.url).pathname;

describe('when a shell completes', function () {
  this.timeout(20_000);
  before(needs('bash'));

  let script = '';
  before(() => {
    script = execFileSync(process.execPath, [COMMAND, 'completion', 'bash'], { encoding: 'utf8' });
  });

  /** What bash offers for the last of the words. */
  function offered(...words: readonly string[]): readonly string[] {
    const ask = `${script}
      COMP_WORDS=(leveret "$@"); COMP_CWORD=$#
      function=$(complete -p leveret); function=\${function##*-F }
      "\${function% leveret}"
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const out = execFileSync('bash', ['--norc', '--noprofile', '-uc', ask, 'bash', ...words], { encoding: 'utf8' });
    return out.split('\n').filter((line) => line !== '');
  }

  for (const [line, expected] of [
    // Commands, and those below them.
    ['er', ['errors']],
    ['errors re', ['retry']],
    ['errors ex', ['export']],
    ['migrate ', ['queue', 'help']],
    ['help mig', ['migrate']],
    ['completion ', ['bash', 'zsh', 'fish']],
    ['nothing-like-it-', []],
    // Options of the program, and of a command; not those of another.
    ['--js', ['--json']],
    ['errors retry --js', ['--json']],
    ['errors retry --ca', ['--canary', '--canary-timeout', '--cacert']],
    ['tail --ca', ['--cacert']],
    ['errors retry --he', ['--help']],
    // Options before and between commands, and their values, which are no commands.
    ['--amqp amqp://localhost errors re', ['retry']],
    ['--amqp = amqp : //localhost errors re', ['retry']],
    ['--json errors -q list re', ['retry']],
    ['errors retry --to show --ra', ['--rate']],
    ['errors retry --all --to plan --dry', ['--dry-run']],
    ['errors show retry --ra', []],
    // What an option may be. A queue has any name, and files are left to bash.
    ['errors retry --via ', ['queue', 'exchange']],
    ['errors retry --via =', ['queue', 'exchange']],
    ['errors retry --via = e', ['exchange']],
    ['migrate queue orders --to ', ['quorum']],
    ['errors retry --to ', []],
    ['--cacert ', []],
    ['plan ./', []],
    ['plan ', []],
  ] as const) {
    it(`offers ${expected.join(', ') || 'nothing'} for: ${line}`, () => {
      expect(offered(...line.split(' '))).to.eql(expected);
    });
  }

  it('offers no option twice, and to every command its own and those of the program', () => {
    for (const path of [[], ['errors', 'retry'], ['errors', 'undo'], ['tail'], ['migrate', 'queue'], ['console']]) {
      const flags = offered(...path, '-');
      expect([...new Set(flags)], path.join(' ')).to.eql(flags);
      expect(flags).to.include.members(['-h', '--help', '--json', '--amqp', '--management', '--no-management']);
    }
  });
});
