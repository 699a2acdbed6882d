import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { readContentType } from './content-type.js';

describe('readContentType', () => {
  const cases: readonly [string | undefined, string, string?][] = [
    // The list that Spring accepts as JSON, measured.
    ['application/json', 'json'],
    ['application/json; charset=utf-8', 'json', 'utf-8'],
    ['APPLICATION/JSON', 'json'],
    ['application/cloudevents+json', 'json'],
    ['text/json', 'json'],
    ['Text/JSON;charset=utf-16le', 'json', 'utf-16le'],
    ['application/x-json', 'json'],
    ['text/x-json', 'json'],
    ['application/x-ndjson', 'json'],
    ['text/plain;profile=json', 'text'],
    [undefined, 'none'],
    ['application/octet-stream', 'none'],
    ['text/plain', 'text'],
    ['', 'none'],
    ['application/vnd.acme.order+JSON;charset="ISO-8859-1"', 'json', 'ISO-8859-1'],
    [' application/json ;version=1 ; Charset = latin1 ', 'json', 'latin1'],
    ['text/html;charset=utf-8', 'text', 'utf-8'],
    ['application/json-seq', 'json'],
    ['application/x/y+json', 'json'],
    ['application/+json', 'json'],
    ['text', 'binary'],
    ['json', 'json'],
    ['image/png', 'binary'],
    ['application/x-java-serialized-object', 'binary'],
    [';', 'binary'],
  ];
  for (const [text, kind, charset] of cases) {
    it(`reads ${JSON.stringify(text) ?? 'no content type'} as ${kind}${charset === undefined ? '' : ` in ${charset}`}`, () => {
      expect(readContentType(text)).to.deep.equal({ kind, charset });
    });
  }

  it('reads the same text once', () => {
    expect(readContentType('application/x-once')).to.equal(readContentType('application/x-once'));
  });

  it('answers the same for the same text, however many others came between', () => {
    const before = readContentType('application/json;v=first');
    for (let i = 0; i < 1000; i++) readContentType(`application/x-${i};charset=c${i}`);
    expect(readContentType('application/json;v=first')).to.deep.equal(before);
    expect(readContentType('application/x-999;charset=c999')).to.deep.equal({ kind: 'binary', charset: 'c999' });
  });

  it('remembers what was read, of so many texts that no sender can fill the memory', () => {
    for (let i = 0; i < 300; i++) readContentType(`text/x-${i}`);
    expect(readContentType('text/x-new;charset=a')).to.not.equal(readContentType('text/x-new;charset=a'));
  });

  it('reads anything', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) =>
        ['json', 'text', 'binary', 'none'].includes(readContentType(text).kind),
      ),
    );
  });
});
