import { Handler, Idempotent, Listener, type ListenerContext, Scheduled, SendTo, UseInterceptors } from 'leveret';
import { Paid, Refunded } from './payloads.ts';
import type { DeclaredHeaderValues, Way } from './way.ts';

export const way: Way = {
  name: 'standard decorators',
  any(options, call) {
    class Any {
      @Listener({ ...options, payload: Object })
      on(event: object, context: ListenerContext): unknown {
        return call(event, context);
      }
    }
    return Any;
  },
  payload(type, options, call) {
    class Typed {
      @Listener({ ...options, payload: type })
      on(event: unknown, context: ListenerContext): unknown {
        return call(event, context);
      }
    }
    return Typed;
  },
  reflected: undefined,
  nothing(options, call) {
    class Nothing {
      @Listener(options)
      on(): unknown {
        return call();
      }
    }
    return Nothing;
  },
  headers(options, call) {
    class WithHeaders {
      @Listener({
        ...options,
        payload: Object,
        headers: {
          tenant: 'x-tenant',
          version: { name: 'x-version', type: Number, default: 1 },
          trace: { name: 'x-trace', required: false },
        },
      })
      on(event: object, { headers }: ListenerContext<DeclaredHeaderValues>): unknown {
        return call(event, headers);
      }
    }
    return WithHeaders;
  },
  once(options, call) {
    class Once {
      @Listener({ ...options, payload: Object })
      @Idempotent((_message, event: { key: string }) => event.key)
      on(event: { key: string }, context: ListenerContext): unknown {
        return call(event, context);
      }
    }
    return Once;
  },
  onceById(options, call) {
    @Idempotent()
    class OnceById {
      @Listener({ ...options, payload: Object })
      on(event: object, context: ListenerContext): unknown {
        return call(event, context);
      }
    }
    return OnceById;
  },
  replying(options, sendTo, call) {
    class Replying {
      @Listener({ ...options, payload: Object })
      @SendTo(sendTo)
      on(event: object, context: ListenerContext): unknown {
        return call(event, context);
      }
    }
    return Replying;
  },
  surrounded(options, [outer, ...inner], call) {
    @UseInterceptors(...(outer === undefined ? [] : [outer]))
    class Surrounded {
      @Listener({ ...options, payload: Object })
      @UseInterceptors(...inner)
      on(event: object, context: ListenerContext): unknown {
        return call(event, context);
      }
    }
    return Surrounded;
  },
  byType(options, { paid, refunded, other }) {
    @Listener(options)
    class ByType {
      @Handler(Paid)
      onPaid(event: Paid, context: ListenerContext): unknown {
        return paid(event, context);
      }
      @Handler(Refunded)
      onRefunded(event: Refunded, context: ListenerContext): unknown {
        return refunded(event, context);
      }
      @Handler({ isDefault: true })
      onOther(): unknown {
        return other();
      }
    }
    return ByType;
  },
  scheduled(times, options, call) {
    class Beating {
      @Scheduled(times, options)
      beat(signal: AbortSignal): unknown {
        return call(signal);
      }
    }
    return Beating;
  },
  withDependency(options, dependency) {
    class Depending {
      readonly #dependency: typeof dependency;
      constructor(given: typeof dependency) {
        this.#dependency = given;
      }
      @Listener({ ...options, payload: Object })
      on(event: object): void {
        this.#dependency.called(event);
      }
    }
    return new Depending(dependency);
  },
  two(first, second, call) {
    class Base {
      @Listener({ ...second, payload: Object })
      second(event: object, context: ListenerContext): unknown {
        return call(event, context);
      }
    }
    class Two extends Base {
      @Listener({ ...first, payload: Object })
      first(event: object, context: ListenerContext): unknown {
        return call(event, context);
      }
    }
    return [Two];
  },
};
