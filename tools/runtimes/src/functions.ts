import { handler, listener, schedule } from 'leveret';
import { Paid, Refunded } from './payloads.ts';
import type { Way } from './way.ts';

export const way: Way = {
  name: 'functions',
  any: (options, call) => listener({ ...options, payload: Object }, (event, context) => call(event, context)),
  payload: (type, options, call) => listener({ ...options, payload: type }, (event, context) => call(event, context)),
  reflected: undefined,
  nothing: ({ payload: _payload, headers: _headers, ...options }, call) => listener(options, () => call()),
  headers: (options, call) =>
    listener(
      {
        ...options,
        payload: Object,
        headers: {
          tenant: 'x-tenant',
          version: { name: 'x-version', type: Number, default: 1 },
          trace: { name: 'x-trace', required: false },
        },
      },
      (event, { headers }) => call(event, headers),
    ),
  once: (options, call) =>
    listener(
      { ...options, payload: Object, idempotent: (_message, event: { key: string }) => event.key },
      (event, context) => call(event, context),
    ),
  onceById: (options, call) =>
    listener({ ...options, payload: Object, idempotent: true }, (event, context) => call(event, context)),
  replying: (options, sendTo, call) =>
    listener({ ...options, payload: Object, sendTo }, (event, context) => call(event, context)),
  surrounded: (options, around, call) =>
    listener({ ...options, payload: Object, interceptors: around }, (event, context) => call(event, context)),
  byType: ({ payload: _payload, headers: _headers, ...options }, { paid, refunded, other }) =>
    listener({
      ...options,
      handlers: [
        handler({ payload: Paid }, (event, context) => paid(event, context)),
        handler({ payload: Refunded }, (event, context) => refunded(event, context)),
        handler({ isDefault: true }, () => other()),
      ],
    }),
  scheduled: (times, options, call) => schedule({ ...times, ...options, id: options.id ?? 'scheduled' }, call),
  withDependency: (options, dependency) =>
    listener({ ...options, payload: Object }, (event) => dependency.called(event)),
  two: (first, second, call) => [
    listener({ ...first, payload: Object }, (event, context) => call(event, context)),
    listener({ ...second, payload: Object }, (event, context) => call(event, context)),
  ],
};
