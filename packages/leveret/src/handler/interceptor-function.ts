import type { Interceptor, InterceptorFunction } from '@leveret/core';
import { type InstanceSource, withInstance } from './instance-source.js';

/** An interceptor object as a function. */
export function interceptorFunction(source: InstanceSource<Interceptor>): InterceptorFunction {
  return (context, next) => withInstance(source, context, (interceptor) => interceptor.intercept(context, next));
}
