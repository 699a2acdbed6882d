import type { InstanceOrClass, Interceptor, InterceptorFunction } from '@leveret/core';

/** What `@UseInterceptors` takes: a function `(context, next)`, an object with `intercept`, or an injectable class of one. */
export type InterceptorLike = InterceptorFunction | InstanceOrClass<Interceptor>;
