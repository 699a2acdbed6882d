import { LeveretError } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { type ApiRoute, findRoute } from './api-route.js';
import { badRequest, ConsoleFault, faultOf } from './console-fault.js';
import { Fields } from './fields.js';
import { placeOf } from './mount.js';

describe('placeOf', () => {
  for (const [name, request, prefix, expected] of [
    ['at the root', { url: '/api/jobs?x=1' }, '/', { path: 'api/jobs', mount: '/' }],
    ['the page at the root', { url: '/' }, '/', { path: '', mount: '/' }],
    ['below a path', { url: '/leveret/api/jobs' }, '/leveret', { path: 'api/jobs', mount: '/leveret/' }],
    ['below a path that ends in a slash', { url: '/leveret/' }, '/leveret/', { path: '', mount: '/leveret/' }],
    [
      'without the slash at the end',
      { url: '/a/leveret?x' },
      '/a/leveret',
      { path: '', mount: '/a/leveret/', redirect: 'leveret/' },
    ],
    [
      'Express',
      { url: '/api/jobs', originalUrl: '/leveret/api/jobs?x=1' },
      '/',
      { path: 'api/jobs', mount: '/leveret/' },
    ],
    [
      'Express without the slash at the end',
      { url: '/', originalUrl: '/leveret' },
      '/',
      { path: '', mount: '/leveret/', redirect: 'leveret/' },
    ],
    ['a path that would end the cookie', { url: '/', originalUrl: '/a;b/' }, '/', { path: '', mount: '/' }],
  ] as const) {
    it(name, () => {
      const { query: _query, ...place } = placeOf(request, prefix) ?? {};
      expect(place).to.eql({ redirect: undefined, ...expected });
    });
  }

  it('leaves other paths to others', () => {
    for (const url of ['/', '/other', '/leveretx', '/x/leveret'])
      expect(placeOf({ url }, '/leveret')).to.equal(undefined);
  });
});

describe('findRoute', () => {
  const run = async () => ({ json: null });
  const routes: readonly ApiRoute[] = [
    { method: 'GET', path: 'api/jobs/:id', needs: 'read', run },
    { method: 'POST', path: 'api/jobs/:id/stop', needs: 'operate', run },
  ];

  it('finds a route by its method and path, and what the path names', () => {
    expect(findRoute(routes, 'GET', 'api/jobs/a%2Fb')).to.deep.include({ params: { id: 'a/b' } });
    expect(findRoute(routes, 'GET', 'api/jobs/1/stop')).to.equal('other-method');
    for (const path of ['api/jobs', 'api/jobs/1/2', 'api/jobs/%zz', 'API/jobs/1']) {
      expect(findRoute(routes, 'GET', path), path).to.equal(undefined);
    }
  });
});

describe('Fields', () => {
  const of = (values: Record<string, unknown>) => new Fields(values, ['a']);

  it('read what is right', () => {
    expect(of({ a: 'x' }).text('a')).to.equal('x');
    expect(of({}).optionalText('a')).to.equal(undefined);
    expect(of({ a: null }).optionalText('a')).to.equal(undefined);
    expect(of({ a: 5 }).optionalNumber('a', 1, 5)).to.equal(5);
    expect(of({ a: 'y' }).optionalWord('a', ['x', 'y'])).to.equal('y');
    expect(of({ a: 'all' }).allOrTexts('a')).to.equal('all');
    expect(of({ a: ['x'] }).allOrTexts('a')).to.eql(['x']);
    expect(of({ a: [1] }).allOrIds('a')).to.eql([1]);
    expect(of({ a: { x: 1 } }).optionalObject('a')).to.eql({ x: 1 });
  });

  it('say what is wrong', () => {
    const wrong: readonly (() => unknown)[] = [
      () => of({ b: 1 }),
      () => of({}).text('a'),
      () => of({ a: 1 }).text('a'),
      () => of({ a: 'long' }).text('a', 3),
      () => of({ a: 6 }).optionalNumber('a', 1, 5),
      () => of({ a: Number.NaN }).optionalNumber('a', 1, 5),
      () => of({ a: 'z' }).optionalWord('a', ['x', 'y']),
      () => of({}).allOrTexts('a'),
      () => of({ a: [1] }).allOrTexts('a'),
      () => of({ a: [-1] }).allOrIds('a'),
      () => of({ a: 'some' }).allOrIds('a'),
      () => of({ a: [] }).optionalObject('a'),
    ];
    for (const read of wrong) expect(read).to.throw(ConsoleFault).with.property('status', 400);
    expect(of(Object.create({ a: 'inherited' })).optionalText('a')).to.equal(undefined);
  });
});

describe('faultOf', () => {
  it('answers what happened, and of faults of its own only that they did', () => {
    expect(faultOf(badRequest('no', 413))).to.deep.include({ status: 413, isOurs: true });
    expect(faultOf(new LeveretError('LEV_NOTHING_FOUND', 'gone')).status).to.equal(404);
    expect(faultOf(new LeveretError('LEV_OPERATION_REFUSED', 'no')).status).to.equal(409);
    expect(faultOf(new LeveretError('LEV_CONNECTION_FAILED', 'away')).status).to.equal(502);
    const { status, fault, isOurs } = faultOf(new Error('password of the database'));
    expect([status, isOurs]).to.eql([500, false]);
    expect(JSON.stringify(fault)).to.not.include('password');
  });
});
