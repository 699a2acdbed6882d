import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { type AccessFacts, decideAccess } from './decide-access.js';
import { LoginTries } from './login-tries.js';
import { isOwnHost } from './own-host.js';
import { isOwnOrigin } from './own-origin.js';
import { RESPONSE_HEADERS } from './response-headers.js';
import { cookieName, readCookie, sessionCookie } from './session-cookie.js';
import { Sessions } from './sessions.js';
import { isSame, makeToken, roleOf } from './tokens.js';

describe('isOwnHost', () => {
  for (const [host, isOwn] of [
    ['127.0.0.1', true],
    ['127.0.0.1:15673', true],
    ['[::1]:15673', true],
    ['localhost', true],
    ['LocalHost:80', true],
    ['localhost.', true],
    ['10.1.2.3:80', true],
    ['ops.example.com:8443', true],
    ['OPS.example.com', true],
    ['evil.example', false],
    ['127.0.0.1.evil.example', false],
    ['localhost.evil.example', false],
    ['xops.example.com', false],
    ['evil.example:80@127.0.0.1', false],
    ['127.0.0.1, evil.example', false],
    ['', false],
    [undefined, false],
    ['[::1', false],
    ['localhost:80:80', false],
  ] as const) {
    it(`${isOwn ? 'answers to' : 'refuses'} ${host}`, () => {
      expect(isOwnHost(host, ['ops.example.com'])).to.equal(isOwn);
    });
  }
});

describe('isOwnOrigin', () => {
  const host = '127.0.0.1:15673';
  for (const [name, facts, isOwn] of [
    ['a program', {}, true],
    ['the own page', { origin: 'http://127.0.0.1:15673', fetchSite: 'same-origin' }, true],
    ['an address that was typed', { fetchSite: 'none' }, true],
    ['another port of this machine', { origin: 'http://127.0.0.1:8080' }, false],
    ['another page of the site', { origin: 'http://127.0.0.1:15673', fetchSite: 'same-site' }, false],
    ['a page elsewhere', { origin: 'https://evil.example' }, false],
    ['a page elsewhere without an origin', { fetchSite: 'cross-site' }, false],
    ['a file, or a frame without rights', { origin: 'null' }, false],
    ['no origin at all', { origin: '' }, false],
    ['an origin with more in it', { origin: 'http://127.0.0.1:15673/x' }, false],
    ['a known name before a proxy', { origin: 'https://ops.example.com' }, true],
    ['a name that only begins so', { origin: 'https://ops.example.com.evil.example' }, false],
  ] as const) {
    it(`${isOwn ? 'takes' : 'refuses'} ${name}`, () => {
      expect(isOwnOrigin({ host, origin: undefined, fetchSite: undefined, ...facts }, ['ops.example.com'])).to.equal(
        isOwn,
      );
    });
  }
});

describe('decideAccess', () => {
  const right: AccessFacts = {
    method: 'POST',
    needs: 'operate',
    host: 'localhost:1',
    origin: 'http://localhost:1',
    fetchSite: 'same-origin',
    contentType: 'application/json; charset=utf-8',
    role: 'operate',
    hasCsrf: true,
  };
  const get = { method: 'GET', needs: 'read', contentType: undefined, hasCsrf: false } as const;
  for (const [name, facts, status] of [
    ['a right request', {}, 200],
    ['a wrong host', { host: 'evil.example' }, 403],
    ['a wrong origin', { origin: 'http://evil.example' }, 403],
    ['another site', { fetchSite: 'cross-site' }, 403],
    ['nobody', { role: undefined }, 401],
    ['no CSRF token', { hasCsrf: false }, 403],
    ['a reader that acts', { role: 'read' }, 403],
    ['a form', { contentType: 'application/x-www-form-urlencoded' }, 415],
    ['text', { contentType: 'text/plain' }, 415],
    ['no type', { contentType: undefined }, 415],
    ['a type that only begins so', { contentType: 'application/jsonp' }, 415],
    ['a reader that looks', { ...get, role: 'read' }, 200],
    ['one that may act and looks', get, 200],
    ['a look of nobody', { ...get, role: undefined }, 401],
    ['a look from another site', { ...get, fetchSite: 'cross-site' }, 403],
    ['a look by another name', { ...get, host: 'evil.example' }, 403],
    ['a login', { needs: 'anybody', role: undefined, hasCsrf: false }, 200],
    ['a login from another site', { needs: 'anybody', role: undefined, origin: 'http://evil.example' }, 403],
    ['a login by a form', { needs: 'anybody', role: undefined, contentType: 'text/plain' }, 415],
    ['the page', { ...get, needs: 'page', role: undefined, fetchSite: 'cross-site' }, 200],
    ['the page by another name', { ...get, needs: 'page', role: undefined, host: 'evil.example' }, 403],
    ['a logout of a reader', { method: 'DELETE', needs: 'read', role: 'read', contentType: undefined }, 200],
    ['a logout without its token', { method: 'DELETE', needs: 'read', hasCsrf: false, contentType: undefined }, 403],
    ['a method that nobody knows', { method: 'BREW', needs: 'read', hasCsrf: false }, 403],
  ] as const) {
    it(`answers ${status} to ${name}`, () => {
      const decision = decideAccess({ ...right, ...facts } as AccessFacts, []);
      expect(decision.kind === 'allowed' ? 200 : decision.status).to.equal(status);
    });
  }
});

describe('tokens', () => {
  it('give their roles, and nothing else does', () => {
    const tokens = { operate: 'o'.repeat(16), read: 'r'.repeat(16) };
    expect(roleOf(tokens.operate, tokens)).to.equal('operate');
    expect(roleOf(tokens.read, tokens)).to.equal('read');
    for (const wrong of ['', 'o', `${tokens.read} `, 'undefined']) expect(roleOf(wrong, tokens)).to.equal(undefined);
    expect(roleOf('', {})).to.equal(undefined);
    expect(roleOf('', { operate: '' })).to.equal(undefined);
    expect(roleOf(tokens.operate, { read: tokens.read })).to.equal(undefined);
  });

  it('are long, of letters that an address may hold, and never the same', () => {
    expect(makeToken()).to.match(/^[\w-]{43}$/);
    expect(makeToken()).to.not.equal(makeToken());
    expect(isSame('a', 'a')).to.equal(true);
    expect(isSame('a', undefined)).to.equal(false);
  });
});

describe('LoginTries', () => {
  it('lets an address wait after five wrong tokens, until a minute behind the first of them', async () => {
    const clock = new FakeClock();
    const tries = new LoginTries(clock);
    for (let wrong = 0; wrong < 5; wrong++) {
      expect(tries.waitMs('a')).to.equal(0);
      tries.wrong('a');
      await clock.advance(1000);
    }
    expect(tries.waitMs('a')).to.equal(55_000);
    expect(tries.waitMs('b')).to.equal(0);
    await clock.advance(55_000);
    expect(tries.waitMs('a')).to.equal(0);
  });

  it('forgives what was mistyped before a right token', () => {
    const tries = new LoginTries(new FakeClock());
    for (let wrong = 0; wrong < 4; wrong++) tries.wrong('a');
    tries.right('a');
    tries.wrong('a');
    expect(tries.waitMs('a')).to.equal(0);
  });

  it('lets everybody wait after fifty of all', () => {
    const tries = new LoginTries(new FakeClock());
    for (let wrong = 0; wrong < 50; wrong++) tries.wrong(`address ${wrong}`);
    expect(tries.waitMs('another')).to.equal(60_000);
  });
});

describe('Sessions', () => {
  const user = { role: 'read', who: 'anna' } as const;

  it('hold for their time by the monotonic hand, and end by a logout', async () => {
    const clock = new FakeClock();
    const sessions = new Sessions(clock, 1000);
    const { id, session } = sessions.begin(user);
    expect(session).to.include({ ...user, expiresAt: clock.now() + 1000 });
    clock.setWall(0);
    expect(sessions.get(id)).to.equal(session);
    await clock.advance(999);
    expect(sessions.get(id)).to.equal(session);
    await clock.advance(1);
    expect(sessions.get(id)).to.equal(undefined);
    const other = sessions.begin(user);
    sessions.end(other.id);
    expect(sessions.get(other.id)).to.equal(undefined);
    expect(sessions.get(undefined)).to.equal(undefined);
    expect(sessions.get('')).to.equal(undefined);
  });

  it('are a thousand at most: the oldest goes', () => {
    const sessions = new Sessions(new FakeClock(), 1000);
    const ids = Array.from({ length: 1001 }, () => sessions.begin(user).id);
    expect(sessions.get(ids[0])).to.equal(undefined);
    expect(sessions.get(ids[1])).to.not.equal(undefined);
    expect(sessions.get(ids[1000])).to.not.equal(undefined);
  });
});

describe('the session cookie', () => {
  it('is for this console alone', () => {
    expect(sessionCookie('id', 3_600_000, { path: '/leveret/', secure: true, port: 80 })).to.equal(
      'leveret-console-80=id; Path=/leveret/; Max-Age=3600; HttpOnly; SameSite=Strict; Secure',
    );
    expect(sessionCookie(undefined, 1, { path: '/', secure: false, port: undefined })).to.equal(
      'leveret-console-0=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict',
    );
  });

  it('is read by its whole name, and not where somebody has set a second one', () => {
    const id = 'a'.repeat(43);
    const name = cookieName(80);
    expect(readCookie(`x=1; ${name}=${id}`, name)).to.equal(id);
    for (const wrong of [
      undefined,
      '',
      `${name}x=${id}`,
      `x${name}=${id}`,
      `${name}=`,
      `${name}=short`,
      `${name}=${id}; ${name}=${id}`,
      `${name}=${id}"`,
    ]) {
      expect(readCookie(wrong, name), wrong).to.equal(undefined);
    }
  });
});

describe('the headers of every answer', () => {
  it('allow no script, style or frame but the own, and no guess at a type', () => {
    expect(RESPONSE_HEADERS['content-security-policy']).to.equal(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    );
    expect(RESPONSE_HEADERS).to.include({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
  });
});
