import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { LeveretError } from './leveret-error.js';
import { redactError, redactor, redactUrls, redactValue } from './redact.js';

describe('redactUrls', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['connect postgres://pay:hunter2@db.internal/pay failed', 'connect postgres://pay:***@db.internal/pay failed'],
    ['amqp://u:hunter2@h1:5672,amqp://u:hunter2@h2', 'amqp://u:***@h1:5672,amqp://u:***@h2'],
    ['redis://:hunter2@h', 'redis://:***@h'],
    ['amqps://u:12345@h', 'amqps://u:***@h'],
    ['mysql://u:hun@ter2@h/db', 'mysql://u:***@h/db'],
    ['mongodb+srv://u:hun/ter?2#@h/db', 'mongodb+srv://u:***@h/db'],
    ['{"url":"amqp://u:hunter2@h","mail":"a@b"}', '{"url":"amqp://u:***@h","mail":"a@b"}'],
    ['postgres://h/db?sslmode=require&password=hunter2&x=1', 'postgres://h/db?sslmode=require&password=***&x=1'],
    ['https://h/a?TOKEN=hunter2', 'https://h/a?TOKEN=***'],
    ['amqp://u:80/hunter2@h', 'amqp://u:***@h'],
    [
      'https://h:8080/path?a=1 and http://[::1]:15672/api, a@b',
      'https://h:8080/path?a=1 and http://[::1]:15672/api, a@b',
    ],
    ['amqp://guest@h, mail a:b@c, password=visible', 'amqp://guest@h, mail a:b@c, password=visible'],
  ];
  for (const [text, expected] of cases) {
    it(`makes ${JSON.stringify(expected)}`, () => {
      expect(redactUrls(text)).to.equal(expected);
      expect(redactUrls(expected)).to.equal(expected);
    });
  }

  it('shows no password of any URL, whatever stands around it', () => {
    const word = fc.stringMatching(/^[a-z]{1,8}$/);
    const around = fc.stringMatching(/^[ a-z.,()"'\n]{0,20}$/);
    const password = fc.stringMatching(/^[a-zA-Z0-9%!$&*+=_@/?#-]{0,20}SECRET[a-zA-Z0-9%!$&*+=_@/?#-]{0,20}$/);
    fc.assert(
      fc.property(around, word, word, password, word, around, (before, scheme, user, secret, host, after) => {
        const text = `${before} ${scheme}://${user}:${secret}@${host}/x ${after}`;
        expect(redactUrls(text)).to.not.include('SECRET');
      }),
    );
  });

  it('takes time in proportion to the text', () => {
    for (const part of ['://a:', '://', 'a:b@', '://a:b', '?password=', '://a:1']) {
      const text = part.repeat(100_000);
      const from = performance.now();
      redactUrls(text);
      expect(performance.now() - from, part).to.be.below(2000);
    }
  });
});

describe('redactor', () => {
  it('takes out the passwords of URLs where there is no own function', () => {
    expect(redactor(undefined)('at db://u:p@h')).to.equal('at db://u:***@h');
  });

  it('takes out what the own function says, besides the passwords of URLs', () => {
    const redact = redactor((text) => text.replace(/\d{16}/g, '****'));
    expect(redact('card 4111111111111111 at db://u:p@h')).to.equal('card **** at db://u:***@h');
  });

  it('shows nothing when the own function fails or answers no text', () => {
    const failing = redactor(() => {
      throw new Error('broken');
    });
    expect(failing('secret')).to.equal('[not shown: redact failed]');
    expect(redactor((() => undefined) as never)('secret')).to.equal('[not shown: redact failed]');
  });
});

describe('redactValue', () => {
  it('shows nothing of what cannot be read', () => {
    const broken = {
      get text(): string {
        throw new Error('no');
      },
    };
    expect(redactValue(broken, redactUrls)).to.equal('[not shown: redact failed]');
    expect(redactValue(7, redactUrls)).to.equal(7);
  });
});

describe('redactError', () => {
  const url = 'postgres://pay:hunter2@h';

  it('answers the same error when there is nothing to take out', () => {
    const error = new Error('a', { cause: new Error('b') });
    expect(redactError(error, redactUrls)).to.equal(error);
  });

  it('shows nothing where an object holds itself, and looks at it once', () => {
    const loop: Record<string, unknown> = { url };
    loop['self'] = loop;
    loop['list'] = [loop];
    let looks = 0;
    const counted = (text: string) => {
      if (text === url) looks++;
      return redactUrls(text);
    };
    const shown = redactError(Object.assign(new Error('failed'), { loop }), counted) as Error & { loop: typeof loop };
    const hidden = '[not shown: redact failed]';
    expect(shown.loop).to.deep.equal({ url: 'postgres://pay:***@h', self: hidden, list: [hidden] });
    expect(looks).to.equal(1);
  });

  it('looks once at what several places hold, and shows the same there', () => {
    const shared = { url };
    const shown = redactError(Object.assign(new Error('failed'), { a: shared, b: [shared] }), redactUrls) as Error & {
      a: object;
      b: object[];
    };
    expect(shown.a).to.deep.equal({ url: 'postgres://pay:***@h' });
    expect(shown.b[0]).to.equal(shown.a);
  });

  it('takes it out of a message and a stack that the error inherits', () => {
    class Declared extends Error {
      override get message() {
        return 'at amqp://u:hunter2@h';
      }
      override get stack() {
        return 'Declared: at amqp://u:hunter2@h\n    at place';
      }
    }
    const error = Object.create(Declared.prototype) as Error;
    const shown = redactError(error, redactUrls) as Error;
    expect([shown.message, shown.stack]).to.deep.equal([
      'at amqp://u:***@h',
      'Declared: at amqp://u:***@h\n    at place',
    ]);
    expect(Object.keys(shown), 'as little listed as before').to.deep.equal([]);
  });

  it('takes it out of the message, the stack, other texts, causes and lists, and leaves the error as it was', () => {
    const error = new LeveretError('LEV_CONNECTION_FAILED', url, {
      cause: new AggregateError([new TypeError(url), 'x'], 'several', { cause: url }),
    });
    const before = error.stack;
    Object.assign(error, { address: url, causes: [new RangeError(url)], count: 5 });
    const shown = redactError(error, redactUrls) as LeveretError & { causes: Error[]; address: string; count: number };
    const cause = shown.cause as AggregateError;
    const texts = [shown.message, shown.stack, shown.address, shown.causes[0]?.message, cause.stack, cause.cause];
    for (const text of [...texts, ...cause.errors.map(String), cause.errors[0].stack]) {
      expect(text).to.not.include('hunter2');
    }
    expect(shown).to.be.instanceOf(LeveretError).and.include({ code: 'LEV_CONNECTION_FAILED', count: 5 });
    expect(LeveretError.is(shown)).to.equal(true);
    expect(cause.errors[0]).to.be.instanceOf(TypeError);
    expect([error.message, error.stack]).to.deep.equal([url, before]);
  });

  it('takes it out of plain objects, as violations and configurations of clients are', () => {
    const error = Object.assign(new Error('x'), {
      violations: [{ path: 'url', message: `${url} is no url` }],
      config: { headers: { from: url }, at: new Date(0) },
    });
    const shown = redactError(error, redactUrls);
    expect(JSON.stringify(shown)).to.include('pay:***@h is no url').and.not.include('hunter2');
    expect((shown as unknown as typeof error).config.at).to.equal(error.config.at);
  });

  it('answers objects as they are where there is nothing to take out, and looks into those without a prototype', () => {
    const plain = { at: 'h', port: 5672, inner: { ok: true } };
    expect(redactValue(plain, redactUrls)).to.equal(plain);
    expect([redactValue(null, redactUrls), redactValue([null, url], redactUrls)]).to.deep.equal([
      ...[null, [null, redactUrls(url)]],
    ]);
    const bare = Object.assign(Object.create(null) as object, { url });
    expect(JSON.stringify(redactValue(bare, redactUrls)))
      .to.include('***')
      .and.not.include('hunter2');
    class Mine {
      readonly url = url;
    }
    const mine = new Mine();
    expect(redactValue(mine, redactUrls)).to.equal(mine);
  });

  it('leaves what is shown of an error as it would be: not listed, and to be changed', () => {
    const shown = redactError(new Error(url), redactUrls);
    for (const name of ['message', 'stack']) {
      expect(Object.getOwnPropertyDescriptor(shown, name)).to.include({
        ...{ writable: true, configurable: true, enumerable: false },
      });
    }
    const listed = redactError(Object.assign(new Error('x'), { url }), redactUrls);
    expect(Object.keys(listed)).to.deep.equal(['url']);
  });

  it('looks at five thousand texts, errors, lists and objects, and shows nothing of the next', () => {
    const shown = (count: number, item: () => unknown) =>
      (redactValue(Array.from({ length: count }, item), redactUrls) as unknown[]).filter(
        (each) => each === '[not shown: redact failed]',
      ).length;
    const text = () => url;
    expect([4_999, 5_000, 5_001].map((count) => shown(count, text))).to.deep.equal([0, 1, 2]);
    const list = () => [];
    expect([4_999, 5_000, 5_001].map((count) => shown(count, list))).to.deep.equal([0, 1, 2]);
  });

  it('looks at no more than a bound, and shows nothing behind it', () => {
    const error = Object.assign(new Error('x'), { many: Array.from({ length: 6000 }, () => url) });
    expect(JSON.stringify(redactError(error, redactUrls))).to.not.include('hunter2');
    let chain = new Error(url);
    for (let depth = 0; depth < 100; depth++) chain = new Error('outer', { cause: chain });
    let last: unknown = redactError(chain, redactUrls);
    while (last instanceof Error && last.cause !== undefined) last = last.cause;
    expect(String(last)).to.not.include('hunter2');
  });

  it('bears errors that bite their tail, throw when they are read, or are proxies', () => {
    const tail: Error & { self?: unknown } = new Error(url);
    tail.cause = tail;
    expect(redactError(tail, redactUrls).message).to.not.include('hunter2');
    const hostile = new Error('x');
    Object.defineProperty(hostile, 'detail', {
      enumerable: true,
      get() {
        throw new Error('no');
      },
    });
    expect(redactError(hostile, redactUrls).message).to.equal('[not shown: redact failed]');
    const { proxy, revoke } = Proxy.revocable(new Error('x'), {});
    revoke();
    expect(redactError(proxy, redactUrls).message).to.equal('[not shown: redact failed]');
  });
});
