import { expect } from 'chai';
import { BRISK, type Comparison, type Difference, describeDifference, judge, PATIENT } from './compare.js';

const equal: Comparison = { kind: 'equal' };
const slow: Comparison = { kind: 'inconclusive', driftMs: 900 };
const different = (real: string): Difference => ({ kind: 'different', step: 1, embedded: ['a'], real: [real] });

/** Gives the answers one after the other, the last one for ever, and counts. */
function answering(...answers: readonly Comparison[]): { compare: () => Promise<Comparison>; runs: () => number } {
  let runs = 0;
  const compare = async (): Promise<Comparison> => answers[Math.min(runs++, answers.length - 1)] ?? equal;
  return { compare, runs: () => runs };
}

describe('judge', () => {
  it('is done when the first run is equal', async () => {
    const { compare, runs } = answering(equal);
    expect(await judge(compare, PATIENT)).to.deep.equal({ kind: 'equal' });
    expect(runs()).to.equal(1);
  });

  it('counts a difference that every run shows', async () => {
    const { compare, runs } = answering(different('b'));
    expect(await judge(compare, PATIENT)).to.deep.equal(different('b'));
    expect(runs()).to.equal(PATIENT.runs);
  });

  it('does not count a difference once a run is equal', async () => {
    const { compare } = answering(different('b'), different('b'), equal);
    expect(await judge(compare, PATIENT)).to.deep.equal({ kind: 'undetermined' });
  });

  it('asks a node that varies more often', async () => {
    const { compare, runs } = answering(different('b'), different('c'));
    expect(await judge(compare, PATIENT)).to.deep.equal(different('b'));
    expect(runs()).to.equal(PATIENT.runsOfVaryingNode);
  });

  it('counts no run for which the node was too slow', async () => {
    const { compare, runs } = answering(slow, different('b'), slow, different('b'));
    expect(await judge(compare, BRISK)).to.deep.equal(different('b'));
    expect(runs()).to.equal(4);
  });

  it('gives up on a node that is always too slow', async () => {
    const { compare, runs } = answering(slow);
    expect(await judge(compare, PATIENT)).to.deep.equal(slow);
    expect(runs()).to.equal(4);
  });
});

describe('describeDifference', () => {
  const program = { name: 'p', steps: [{ do: 'dial' } as const] };

  it('shows the step and the lines that only one has', () => {
    const difference: Difference = { kind: 'different', step: 0, embedded: ['a', 'b'], real: ['a', 'c'] };
    expect(describeDifference(program, difference)).to.equal(
      '  step 1: {"do":"dial"}\n    embedded  b\n    RabbitMQ  c',
    );
  });

  it('shows all lines where only their order differs', () => {
    const difference: Difference = { kind: 'different', step: 1, embedded: ['a', 'b'], real: ['b', 'a'] };
    expect(describeDifference(program, difference)).to.equal(
      '  at the end\n    embedded  a\n    embedded  b\n    RabbitMQ  b\n    RabbitMQ  a',
    );
  });
});
