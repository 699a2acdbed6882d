import { expect } from 'chai';
import type { Program, Step } from '../program/program.js';
import { shrink } from './shrink.js';

const publish = (body: string, more: object = {}): Step => ({ do: 'basic.publish', routingKey: 'q', body, ...more });
const program = (...steps: readonly Step[]): Program => ({ name: 'p', steps });
const bodies = ({ steps }: Program): unknown[] => steps.map((step) => 'body' in step && step.body);

describe('shrink', () => {
  it('keeps only the steps without which nothing fails', async () => {
    const long = program(...Array.from({ length: 20 }, (_, i) => publish(String(i))));
    const shortest = await shrink(long, async (candidate) => {
      const left = bodies(candidate);
      return left.includes('3') && left.includes('17');
    });
    expect(bodies(shortest)).to.deep.equal(['3', '17']);
  });

  it('takes off the fields that do not matter', async () => {
    const step = publish('1', { mandatory: true, properties: { priority: 3, headers: { h: 1, g: 2 } } });
    const shortest = await shrink(program(step), async (candidate) => JSON.stringify(candidate).includes('"g"'));
    expect(shortest.steps).to.deep.equal([{ do: 'basic.publish', properties: { headers: { g: 2 } } }]);
  });

  it('shortens a burst', async () => {
    const burst: Step = { do: 'burst', steps: [publish('1'), publish('2'), publish('3')] };
    const shortest = await shrink(program(burst), async (candidate) => JSON.stringify(candidate).includes('"2"'));
    expect(shortest.steps).to.deep.equal([{ do: 'burst', steps: [publish('2')] }]);
  });

  it('keeps a program whose every step matters', async () => {
    const whole = program({ do: 'dial' }, { do: 'cut' });
    expect(await shrink(whole, async ({ steps }) => steps.length === 2)).to.deep.equal(whole);
  });
});
