import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { after, describe, it } from 'mocha';
import { readTokenFile } from './token-file.js';

describe('readTokenFile', () => {
  const folder = mkdtempSync(join(tmpdir(), 'leveret-tokens-'));
  after(() => rmSync(folder, { recursive: true }));

  function file(name: string, text: string, mode = 0o600): string {
    const path = join(folder, name);
    writeFileSync(path, text, { mode });
    chmodSync(path, mode);
    return path;
  }

  it('makes a file that is not there, for its owner alone, and reads it again', () => {
    const path = join(folder, 'made');
    const made = readTokenFile(path);
    expect(made.operate).to.not.equal(made.read);
    expect(readTokenFile(path)).to.eql(made);
    expect(statSync(path).mode & 0o777).to.equal(0o600);
    expect(readFileSync(path, 'utf8').split('\n')).to.have.length(3);
  });

  it('reads one role, or both', () => {
    expect(readTokenFile(file('read', 'read abc\n\n'))).to.eql({ read: 'abc' });
    expect(readTokenFile(file('both', ' operate  a-b \nread c'))).to.eql({ operate: 'a-b', read: 'c' });
  });

  it('refuses what others may read, and what it does not understand, without repeating it', () => {
    expect(() => readTokenFile(file('open', 'read abc', 0o644))).to.throw(/chmod 600/);
    expect(() => readTokenFile(file('secret', 'my-secret-token')))
      .to.throw(/neither "operate/)
      .with.property('message')
      .which.does.not.include('my-secret');
    expect(() => readTokenFile(folder)).to.throw(/LEV_|chmod|cannot be read/);
  });
});
