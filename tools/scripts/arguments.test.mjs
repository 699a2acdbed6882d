import { expect } from 'chai';
import { describe, it } from 'mocha';
import { decide, usageOf } from './arguments.mjs';

const OPTIONS = {
  rounds: { type: 'number', default: 3 },
  only: { type: 'string' },
  quick: { type: 'boolean', default: false },
};

describe('the arguments of a script', () => {
  it('are what was given, or what is usual', () => {
    const { values, positionals } = decide(['json', '--rounds', '5', '--quick'], OPTIONS, true);
    expect(values).to.deep.equal({ rounds: 5, only: undefined, quick: true });
    expect(positionals).to.deep.equal(['json']);
    expect(decide(['--rounds=Infinity'], OPTIONS, false).values).to.deep.include({
      rounds: Number.POSITIVE_INFINITY,
      quick: false,
    });
  });

  it('are refused with all faults at once', () => {
    const { faults } = decide(
      ['json', '--rounds', 'many', '--only', '--slow', '--fast', '--quick=yes'],
      OPTIONS,
      false,
    );
    expect(faults).to.deep.equal([
      "expected options only, received 'json'",
      "--rounds: expected a number from 0, received 'many'",
      "--only: expected a value, received '--slow'",
      "expected one of --rounds, --only, --quick, --help; received '--fast'",
      "--quick: expected no value, received 'yes'",
    ]);
    expect(decide(['--rounds'], OPTIONS, false).faults).to.deep.equal(['--rounds: expected a number']);
  });

  it('may ask for help, whatever else they say', () => {
    expect(decide(['--fast', '-h'], OPTIONS, false)).to.deep.equal({ help: true, faults: [] });
  });

  it('are explained by the comment at the head of the script', () => {
    const source =
      '/**\n * `npm run bench`: leveret beside its peers.\n *\n *   --quick   ends within 60 s\n */\nimport x;\n/** Else. */';
    expect(usageOf(source)).to.equal('`npm run bench`: leveret beside its peers.\n\n  --quick   ends within 60 s');
  });
});
