import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { MASK } from '../contract/contract.js';
import { aMessage } from '../test-support/a-message.js';
import { hexDump } from './hex-dump.js';
import { rewriteJson, scalarsOf } from './json-text.js';
import { isMaskPath, MaskPaths } from './mask-paths.js';
import { maskTree, unmaskTree } from './mask-tree.js';
import { MaskedMessage } from './masked-message.js';
import { readBody, unmaskBody } from './read-body.js';
import { scrubber } from './scrub.js';

const NO_END = Number.MAX_SAFE_INTEGER;
const nothing = { paths: new MaskPaths([]), showUnreadable: false };
const masking = (...paths: string[]) => ({ paths: new MaskPaths(paths), showUnreadable: false });

describe('MaskPaths', () => {
  for (const [path, place, covers] of [
    ['card.number', 'card.number', true],
    ['card.number', 'CARD.Number', true],
    ['card.number', 'card', false],
    ['card.number', 'card.number.x', false],
    ['card.number', 'order.card.number', false],
    ['items.*.secret', 'items.0.secret', true],
    ['items.*.secret', 'items.secret', false],
    ['items.*.secret', 'items.0.1.secret', false],
    ['**.cvv', 'cvv', true],
    ['**.cvv', 'a.b.c.cvv', true],
    ['**.cvv', 'a.cvvs', false],
    ['a.**', 'a.b.c', true],
    ['**.x.**.y', 'a.x.y', true],
    ['**.x.**.y', 'x.y.z.x.q.y', true],
    ['**.x.**.y', 'y.x', false],
  ] as const) {
    it(`${path} ${covers ? 'covers' : 'does not cover'} ${place}`, () => {
      expect(new MaskPaths([path]).covers(place.split('.'))).to.equal(covers);
    });
  }

  it('takes a name with dots for so many names', () => {
    expect(new MaskPaths(['card.number']).covers(['card.number'])).to.equal(true);
    expect(new MaskPaths(['card.number']).covers(['x', 'card.number'])).to.equal(false);
  });

  it('takes a path of many ** in a time that does not grow with every one', () => {
    const path = `${'**.a.'.repeat(40)}b`;
    expect(new MaskPaths([path]).covers(Array.from({ length: 100 }, () => 'a'))).to.equal(false);
  });

  it('knows a path without an empty step from others', () => {
    expect(['a', 'a.b', '**.x', 'a.*'].every(isMaskPath)).to.equal(true);
    expect(['', 'a.', '.a', 'a..b', ' '].some(isMaskPath)).to.equal(false);
  });
});

describe('rewriteJson', () => {
  it('keeps digits, duplicate names and their order', () => {
    const text = '{"n":12345678901234567890.10,"a":1,"a":2,"__proto__":{"x":[]},"e":{} , "t":"\\u0041\\"}"}';
    expect(rewriteJson(text, 'compact', NO_END)?.text).to.equal(
      '{"n":12345678901234567890.10,"a":1,"a":2,"__proto__":{"x":[]},"e":{},"t":"\\u0041\\"}"}',
    );
    expect(rewriteJson(text, 'as-is', NO_END)?.text).to.equal(text);
  });

  it('says for any JSON the same as JSON.stringify, pretty and compact', () => {
    fc.assert(
      fc.property(fc.json(), fc.integer({ min: 0, max: 3 }), (json, blanks) => {
        const value: unknown = JSON.parse(json);
        const written = JSON.stringify(value, null, blanks);
        expect(rewriteJson(written, 'pretty', NO_END)?.text).to.equal(JSON.stringify(value, null, 2));
        expect(rewriteJson(written, 'compact', NO_END)?.text).to.equal(JSON.stringify(value));
        expect(rewriteJson(written, 'as-is', NO_END)?.text).to.equal(written);
      }),
    );
  });

  it('puts other text in the place of a value, whatever it is', () => {
    const hide = (place: readonly string[]) => (place.at(-1) === 'x' ? '0' : undefined);
    expect(rewriteJson('{"x":{"a":[1,{}]},"b":[{"x":"s"},{"x":[]}]}', 'compact', NO_END, hide)?.text).to.equal(
      '{"x":0,"b":[{"x":0},{"x":0}]}',
    );
  });

  it('names places as they are read, not as they are written', () => {
    const places: string[] = [];
    rewriteJson('{"\\u0063ard":[{"n":1}]}', 'compact', NO_END, (place) => {
      places.push(place.join('.'));
      return undefined;
    });
    expect(places).to.eql(['', 'card', 'card.0', 'card.0.n']);
  });

  it('ends where it is long enough, and says so', () => {
    const long = JSON.stringify(Array.from({ length: 10_000 }, (_, index) => index));
    expect(rewriteJson(long, 'pretty', 20)).to.eql({ text: '[\n  0,\n  1,\n  2,\n  3', isCut: true });
    expect(rewriteJson('[1]', 'compact', 3)).to.eql({ text: '[1]', isCut: false });
  });

  it('takes what is no JSON, or too deep, for unreadable', () => {
    for (const text of ['', '{', '{a:1}', "{'a':1}", '[1,]', '\ufeff{}', `${'['.repeat(101)}${']'.repeat(101)}`]) {
      expect(rewriteJson(text, 'pretty', NO_END), text).to.equal(undefined);
    }
    expect(rewriteJson(`${'['.repeat(100)}${']'.repeat(100)}`, 'compact', NO_END)).to.not.equal(undefined);
    expect(rewriteJson(`${'['.repeat(200_000)}${']'.repeat(200_000)}`, 'compact', NO_END)).to.equal(undefined);
  });

  it('finds the scalars of a value, not the names', () => {
    expect(scalarsOf('{"a":"x\\ny","b":[1,true,{"c":null}]}')).to.eql(['x\ny', '1', 'true', 'null']);
  });
});

describe('readBody', () => {
  const read = (body: string | Buffer, mask = nothing, chars = 1000) =>
    readBody(Buffer.from(body), mask, 'pretty', chars);

  it('tells JSON, text, bytes and nothing apart', () => {
    expect(read('{"a":1}')).to.deep.include({ kind: 'json', text: '{\n  "a": 1\n}', isCut: false, masked: [] });
    expect(read('<b>hello</b>\n')).to.deep.include({ kind: 'text', text: '<b>hello</b>\n', isCut: false });
    expect(read(Buffer.from([0, 255, 65]))).to.deep.include({ kind: 'binary', isCut: false });
    expect(read('')).to.deep.include({ kind: 'empty', text: '' });
  });

  it('shows the beginning of what is long', () => {
    expect(read('é'.repeat(50), nothing, 10)).to.deep.include({ kind: 'text', text: 'é'.repeat(10), isCut: true });
    expect(read(JSON.stringify('x'.repeat(50)), nothing, 10)).to.deep.include({ kind: 'json', isCut: true });
  });

  it('masks values, and says where', () => {
    const { text, masked, secrets } = read('{"card":{"number":4111,"cvv":"12\\u0033"},"n":1}', masking('card.*'));
    expect(JSON.parse(text)).to.eql({ card: { number: MASK, cvv: MASK }, n: 1 });
    expect(masked).to.eql(['card.number', 'card.cvv']);
    expect(secrets).to.eql(['4111', '123']);
  });

  it('finds what is masked also behind the end of what is shown', () => {
    const { text, secrets } = read(JSON.stringify({ a: 'x'.repeat(100), pin: 'secret' }), masking('pin'), 10);
    expect(text).to.have.length(10);
    expect(secrets).to.eql(['secret']);
  });

  it('shows no body in which no path leads anywhere while something is masked', () => {
    for (const body of [
      '{"card":{"number":4111},}',
      'number=4111',
      Buffer.from([0, 52, 49, 49, 49]),
      `\ufeff{"a":4111}`,
    ]) {
      expect(read(body, masking('card.number'))).to.deep.include({ text: MASK, masked: ['*'], isCut: true });
      expect(read(body, { ...masking('card.number'), showUnreadable: true }).masked).to.eql([]);
    }
  });

  it('puts the original back where the placeholder was left standing', () => {
    const original = Buffer.from('{"card":{"number":4111111111111111111,"name":"a"},"amount":1}');
    const { paths } = masking('card.number');
    const edited = readBody(original, { paths, showUnreadable: false }, 'pretty', NO_END).text.replace('1\n}', '2\n}');
    expect(unmaskBody(edited, original, paths).toString()).to.equal(
      '{"card":{"number":4111111111111111111,"name":"a"},"amount":2}',
    );
    expect(unmaskBody(edited.replace(`"${MASK}"`, '5'), original, paths).toString()).to.include('"number":5,');
    // Moved elsewhere it is a text like any other: the caller refuses it.
    expect(unmaskBody(`{"x":"${MASK}"}`, original, paths).toString()).to.equal(`{"x":"${MASK}"}`);
  });

  it('keeps the blanks of a body that had some', () => {
    const original = Buffer.from('{ "pin": 1,\n "a": 2 }');
    const edited = `{ "pin": "${MASK}",\n "a": 3 }`;
    expect(unmaskBody(edited, original, masking('pin').paths).toString()).to.equal('{ "pin": 1,\n "a": 3 }');
  });
});

describe('maskTree', () => {
  it('shows what JSON has no words for, and masks within', () => {
    const found = { secrets: [] as string[], masked: [] as string[] };
    const headers = {
      text: Buffer.from('text'),
      bytes: Buffer.from([0, 1]),
      big: 2n ** 60n,
      none: undefined,
      nan: Number.NaN,
      list: [{ pin: { a: 12, b: [Buffer.from('abc')] } }],
    };
    expect(maskTree(headers, [], masking('list.*.pin').paths, found)).to.eql({
      text: 'text',
      bytes: { $type: 'bytes', base64: 'AAE=' },
      big: '1152921504606846976',
      none: null,
      nan: 'NaN',
      list: [{ pin: MASK }],
    });
    expect(found).to.eql({ secrets: ['12', 'abc'], masked: ['list.0.pin'] });
  });

  it('ends in the deep, and takes __proto__ for a name', () => {
    let deep: unknown = 1;
    for (let depth = 0; depth < 50; depth++) deep = [deep];
    expect(JSON.stringify(maskTree({ deep }, [], nothing.paths, { secrets: [], masked: [] }))).to.include('…');
    const hostile = JSON.parse('{"__proto__":{"polluted":1}}') as object;
    const shown = maskTree(hostile, [], nothing.paths, { secrets: [], masked: [] }) as object;
    expect(JSON.stringify(shown)).to.equal('{"__proto__":{"polluted":1}}');
    expect(({} as { polluted?: number }).polluted).to.equal(undefined);
  });

  it('puts originals back', () => {
    const { paths } = masking('h.pin', 'h.list.*.x');
    const original = { pin: Buffer.from([1]), list: [{ x: 5 }, { x: 6 }] };
    expect(unmaskTree({ pin: MASK, list: [{ x: MASK }, { x: 7 }] }, original, ['h'], paths)).to.eql({
      pin: Buffer.from([1]),
      list: [{ x: 5 }, { x: 7 }],
    });
    expect(unmaskTree({ other: MASK }, original, ['h'], paths)).to.eql({ other: MASK });
  });
});

describe('scrubber', () => {
  it('takes values out of texts, the longest first, also as JSON and as numbers write them', () => {
    const scrub = scrubber(['4111', '41115', 'a"b', '1.50', 'ab', 'true']);
    expect(scrub('41115 4111 {"x":"a\\"b"} 1.5 ab true')).to.equal(`${MASK} ${MASK} {"x":"${MASK}"} ${MASK} ab true`);
  });

  it('shows nothing of a text where too much is masked', () => {
    const scrub = scrubber(Array.from({ length: 501 }, (_, index) => `secret ${index}`));
    expect(scrub('anything')).to.equal(MASK);
    expect(scrub('')).to.equal('');
  });
});

describe('MaskedMessage', () => {
  const message = aMessage({
    body: Buffer.from('{"card":{"number":"4111222233334444"},"note":"x"}'),
    headers: {
      'x-exception-message': 'card 4111222233334444 declined',
      'card.number': 4111222233334444,
      card: { number: 1 },
    },
    correlationId: '4111222233334444',
    messageId: 'm',
  });

  it('leaves nothing of a masked value in headers, properties, preview and texts', () => {
    const masked = new MaskedMessage({ message }, masking('card.number'));
    const everything = JSON.stringify([
      masked.headers,
      masked.properties,
      masked.preview(200),
      masked.body('pretty', 1000),
    ]);
    // `secrets` of the body are for the scrubber, and are shown to nobody.
    expect(everything.replace(/"secrets":\[[^\]]*\]/, '')).to.not.include('4111222233334444');
    expect(masked.scrub('card 4111222233334444')).to.equal(`card ${MASK}`);
    expect(masked.properties['messageId']).to.equal('m');
  });

  it('changes nothing where nothing is masked', () => {
    const masked = new MaskedMessage({ message }, nothing);
    expect(masked.headers).to.eql(message.headers);
    expect(masked.preview(1000)).to.equal(message.body.toString());
    expect(masked.scrub('4111222233334444')).to.equal('4111222233334444');
  });

  it('shows a preview on one line, and bytes as their number', () => {
    expect(new MaskedMessage({ message: aMessage({ body: Buffer.from('a\n\n b') }) }, nothing).preview(100)).to.equal(
      'a b',
    );
    expect(new MaskedMessage({ message: aMessage({ body: Buffer.from([0]) }) }, nothing).preview(100)).to.equal(
      '1 bytes',
    );
  });
});

describe('hexDump', () => {
  it('shows places, bytes and letters', () => {
    expect(hexDump(Buffer.from('0123456789abcdefg'))).to.equal(
      `00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  |0123456789abcdef|\n00000010  67${' '.repeat(45)}  |g|`,
    );
  });
});
