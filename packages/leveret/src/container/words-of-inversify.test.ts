import { expect } from 'chai';
import { Container, inject, injectable } from 'inversify';
import { describe, it } from 'mocha';
import { wordsOfInversify } from './words-of-inversify.js';

describe('wordsOfInversify', () => {
  class Orders {
    constructor(readonly store: object) {}
  }
  function reasonOf(attempt: () => unknown): string {
    try {
      attempt();
    } catch (error) {
      return wordsOfInversify((error as Error).message);
    }
    throw new Error('expected a fault');
  }
  const needs = (token: symbol | string | (abstract new (...given: never) => unknown)) => {
    @injectable()
    class Needy {
      constructor(@inject(token as never) readonly what: unknown) {}
    }
    const container = new Container();
    container.bind(Needy).toSelf();
    return () => container.get(Needy);
  };

  it('say what nothing is bound to, who needs it, and the line that binds it', () => {
    expect(reasonOf(needs(Symbol('orders')))).to.equal(
      'No bindings found for service: "Symbol(orders)". Needy needs it in its constructor, and the container has nothing for it: container.bind(theSymbol).to(...) or .toConstantValue(...)',
    );
    expect(reasonOf(needs(Orders))).to.match(/: container\.bind\(Orders\)\.toSelf\(\)/);
    expect(reasonOf(needs('orders'))).to.match(/: container\.bind\('orders'\)\.to\(/);
  });

  it('say which class lacks its decorators', () => {
    expect(reasonOf(() => new Container().bind(Orders).toSelf())).to.match(
      /^Found unexpected missing metadata on type "Orders"\. .*put @injectable\(\) on Orders, and @inject\(\.\.\.\) on the parameter/,
    );
  });

  it('leave everything else, in one line', () => {
    expect(wordsOfInversify('Ambiguous\n\n  bindings: a\n')).to.equal('Ambiguous bindings: a');
  });
});
