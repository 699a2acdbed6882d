import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { AnyClass } from './class-kind.js';
import { doubtOfName, sourceNameOf } from './class-name.js';

/** A class as it stands in the output of a build. */
function made(code: string): AnyClass {
  return new Function(`${code}`)() as AnyClass;
}

describe('doubtOfName', () => {
  for (const code of [
    'return class PaySucceeded { }',
    'return class OrderPaidV2 { }',
    'return class Tax { }',
    'return class A { }',
    'return class S3Uploaded { }',
    'return class Base extends Object { }',
    'class PaySucceeded{constructor(){}} return PaySucceeded',
    // keepNames of esbuild, with and without a static block; a name that the source gives.
    'const n=(c,v)=>Object.defineProperty(c,"name",{value:v,configurable:true});return class e{static{n(this,"Tax")}}',
    'const n=(c,v)=>Object.defineProperty(c,"name",{value:v,configurable:true});class e{}return n(e,"Tax")',
    "return class e{static name='Tax'}",
  ]) {
    it(`relies on the name of: ${code}`, () => {
      expect(doubtOfName(made(code))).to.equal(undefined);
    });
  }

  for (const [code, doubt] of [
    ['return class{}', 'missing'],
    ['const orders_default = class { }; return orders_default', 'missing'],
    ['const _class = class { }; return _class', 'missing'],
    ['return class { static name = 5 }', 'missing'],
    ['const _a = class { }; return _a', 'missing'],
    ['const _a = class _a { }; return _a', 'missing'],
    ['return class _e{}', 'minified'],
    ['var _e=class{};return _e', 'minified'],
    ['return class a{}', 'minified'],
    ['return class t2{}', 'minified'],
    ['var A=class{};return A', 'minified'],
    ['class B extends Object{}return B', 'minified'],
    ['return class e { }', 'minified'],
    ['var Created2 = class { }; return Created2', 'renamed'],
    ['return class OrderPaidV12 { }', 'renamed'],
    ['return class _Created { }', 'renamed'],
    ['return class Created$1 { }', 'renamed'],
    ['return class Created_1 { }', 'renamed'],
    ['return class events_Created { }', 'renamed'],
  ] as const) {
    it(`takes for ${doubt}: ${code}`, () => {
      expect(doubtOfName(made(code))).to.equal(doubt);
    });
  }
});

describe('sourceNameOf', () => {
  for (const [name, source] of [
    ['Created2', 'Created'],
    ['_Created', 'Created'],
    ['Created$1', 'Created'],
    ['Created_1', 'Created'],
    ['events_Created', 'Created'],
    ['t2', 'NameInSource'],
    ['Created', 'Created'],
  ] as const) {
    it(`makes ${source} of ${name}`, () => {
      expect(sourceNameOf(made(`return class ${name}{}`))).to.equal(source);
    });
  }
});
