/** What both Nest peers share: modules and handlers in plain JavaScript. */
import 'reflect-metadata';
import { Module } from '@nestjs/common';

export async function classOf(kind) {
  if (kind === 'bytes') return Buffer;
  if (kind === 'json') return Object;
  const { makeShapes } = await import('../lib/shapes.mjs');
  return makeShapes(await import('class-transformer'), await import('class-validator'))[kind];
}

export function moduleOf(imports, providers, controllers = []) {
  class BenchModule {}
  Module({ imports, providers, controllers })(BenchModule);
  return BenchModule;
}

/** Decorates a method as TypeScript would, with the types of its parameters. */
export function decorate(type, name, parameters, decorators) {
  Reflect.defineMetadata('design:paramtypes', parameters, type.prototype, name);
  const descriptor = Object.getOwnPropertyDescriptor(type.prototype, name);
  for (const decorator of decorators) decorator(type.prototype, name, descriptor);
}
