import { expect } from 'chai';
import { injectable, preDestroy } from 'inversify';
import { describe, it } from 'mocha';
import { PlainResolver } from './plain-resolver.js';

class Orders {}
class Mail {
  readonly host: string;
  constructor(host: string) {
    this.host = host;
  }
}
class Route {
  readonly ends: readonly string[];
  constructor(from: string, to: string) {
    this.ends = [from, to];
  }
}

describe('PlainResolver', () => {
  it('makes each class once, until it is released', async () => {
    const resolver = new PlainResolver();
    const made = await resolver.single(Orders);
    expect(made).to.be.instanceOf(Orders);
    expect(await resolver.source(Orders)).to.deep.equal({ kind: 'shared', instance: made });
    expect(resolver.attemptEnded).to.equal(undefined);
    await resolver.release();
    expect(await resolver.single(Orders)).to.not.equal(made);
  });

  it('has what it was given: the first that is provided, the last that replaces', async () => {
    const resolver = new PlainResolver();
    resolver.provide('mail', 1);
    resolver.provide('mail', 2);
    expect([await resolver.token('mail'), await resolver.token('none')]).to.deep.equal([{ instance: 1 }, undefined]);
    await resolver.replace('mail', 3);
    expect(await resolver.token('mail')).to.deep.equal({ instance: 3 });
    const mail = new Mail('h');
    await resolver.replace(Mail, mail);
    expect(await resolver.single(Mail)).to.equal(mail);
    await resolver.release();
    expect(await resolver.token('mail')).to.equal(undefined);
  });

  it('tells what to do about a class whose constructor takes something', async () => {
    const refusal = async (service: typeof Mail | typeof Route) =>
      new PlainResolver().single(service as never).then(() => '', String);
    expect(await refusal(Mail)).to.match(
      /Mail cannot be made: its constructor takes a parameter, and there is no container/,
    );
    expect(await refusal(Route)).to.match(/Route cannot be made: its constructor takes 2 parameters/);
  });

  it('makes what is decorated for inversify by a container of its own, with what it was given, and ends that with itself', async () => {
    const steps: string[] = [];
    @injectable()
    class Connection {
      @preDestroy()
      async end(): Promise<void> {
        await new Promise((resolve) => setImmediate(resolve));
        steps.push('ended');
      }
    }
    const resolver = new PlainResolver();
    const [one, again] = [await resolver.single(Connection), await resolver.single(Connection)];
    expect(one).to.be.instanceOf(Connection).and.to.equal(again);
    expect(await resolver.source(Connection)).to.deep.equal({ kind: 'shared', instance: one });
    // A class of no container, which one of the container's may have been given meanwhile.
    expect(await resolver.single(Orders)).to.equal(await resolver.single(Orders));
    await resolver.release();
    expect(steps).to.deep.equal(['ended']);
    await resolver.release();
    expect(steps).to.deep.equal(['ended']);
    expect(await resolver.single(Connection)).to.not.equal(one);
  });
});
