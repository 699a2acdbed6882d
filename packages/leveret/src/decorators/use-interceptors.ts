import type { InterceptorLike } from '../interceptor/interceptor-like.js';
import { decorator, placeOf } from './decorator-place.js';
import type { ClassOrMethodDecorator } from './decorator-types.js';

/**
 * Puts interceptors around a method, or around every listener method of a class. They run for each attempt, after
 * conversion and validation, in the order: global ones, the class's, the method's; the first listed is outermost.
 * @param interceptors functions `(context, next)`, objects with `intercept`, or injectable classes of such
 */
export function UseInterceptors(...interceptors: readonly InterceptorLike[]): ClassOrMethodDecorator {
  return decorator((target, key, descriptor) => {
    const place = placeOf('@UseInterceptors', target, key, descriptor);
    if (place.kind !== 'misplaced') place.record.interceptors.unshift(...interceptors);
  });
}
