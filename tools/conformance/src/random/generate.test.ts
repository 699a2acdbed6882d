import { expect } from 'chai';
import type { Step } from '../program/program.js';
import { generateProgram } from './generate.js';

const SEEDS = Array.from({ length: 500 }, (_, i) => i + 1);
const programs = SEEDS.map(generateProgram);

describe('generateProgram', () => {
  it('makes the same program for a seed every time', () => {
    expect(SEEDS.map(generateProgram)).to.deep.equal(programs);
  });

  it('makes another program for every seed', () => {
    expect(new Set(programs.map(({ steps }) => JSON.stringify(steps))).size).to.equal(programs.length);
  });

  it('makes every kind of program', () => {
    const kinds = new Set(programs.map(({ name }) => /\((.*)\)/.exec(name)?.[1]));
    expect([...kinds].sort()).to.deep.equal(['dying', 'quorum', 'routing']);
  });

  it('uses nearly every step there is', () => {
    const used = new Set(programs.flatMap(({ steps }) => steps.map((step) => step.do)));
    expect([...used]).to.include.members([
      'basic.publish',
      'burst',
      'basic.consume',
      'settle',
      'basic.get',
      'basic.recover',
      'queue.delete',
      'tx.commit',
      'wait',
      'cut',
    ]);
  });

  it('keeps the type of a queue within a program', () => {
    for (const { name, steps } of programs) {
      const types = new Map<string, Set<unknown>>();
      for (const { queue, args } of declarationsIn(steps)) {
        types.set(queue, (types.get(queue) ?? new Set()).add(args['x-queue-type']));
      }
      for (const [queue, used] of types) expect(used.size, `${queue} in ${name}`).to.equal(1);
    }
  });
});

function declarationsIn(steps: readonly Step[]): { queue: string; args: { readonly [key: string]: unknown } }[] {
  return steps.flatMap((step) => {
    if (step.do !== 'queue.declare' || step.fields?.['passive'] === true) return [];
    const { queue = '', arguments: args = {} } = step.fields ?? {};
    return [{ queue: String(queue), args: args as { readonly [key: string]: unknown } }];
  });
}
