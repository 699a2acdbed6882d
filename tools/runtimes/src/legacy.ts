import {
  Context,
  type DeliveryContext,
  Handler,
  Header,
  Idempotent,
  Listener,
  Payload,
  Scheduled,
  SendTo,
  UseInterceptors,
} from 'leveret';
import { Paid, Refunded } from './payloads.ts';
import type { Way } from './way.ts';

class Probe {
  @UseInterceptors()
  on(_paid: Paid): void {}
}

/** Whether this build leaves the types of parameters at run time. leveret has loaded what keeps them. */
const { getMetadata } = Reflect as { getMetadata?: (name: string, target: object, key: string) => unknown };
const emitsMetadata = Array.isArray(getMetadata?.('design:paramtypes', Probe.prototype, 'on'));

export const way: Way = {
  name: 'legacy decorators',
  any(options, call) {
    class Any {
      @Listener(options)
      on(@Payload(Object) event: unknown, @Context() context: DeliveryContext): unknown {
        return call(event, context);
      }
    }
    return Any;
  },
  payload(type, options, call) {
    class Typed {
      @Listener(options)
      on(@Payload(type) event: unknown, @Context() context: DeliveryContext): unknown {
        return call(event, context);
      }
    }
    return Typed;
  },
  reflected: emitsMetadata
    ? (options, call) => {
        class Reflected {
          @Listener(options)
          on(event: Paid): unknown {
            return call(event, undefined as never);
          }
        }
        return Reflected;
      }
    : undefined,
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
      @Listener(options)
      on(
        @Payload(Object) event: object,
        @Header('x-tenant') tenant: string,
        @Header('x-version', { default: 1 }) version: number,
        @Header('x-trace', { required: false }) trace: unknown,
      ): unknown {
        // Without metadata headers come as they were sent.
        return call(event, { tenant, version: Number(version), trace: trace as string | undefined });
      }
    }
    return WithHeaders;
  },
  once(options, call) {
    class Once {
      @Listener(options)
      @Idempotent((_message, event: { key: string }) => event.key)
      on(@Payload(Object) event: { key: string }, @Context() context: DeliveryContext): unknown {
        return call(event, context);
      }
    }
    return Once;
  },
  onceById(options, call) {
    @Idempotent()
    class OnceById {
      @Listener(options)
      on(@Payload(Object) event: object, @Context() context: DeliveryContext): unknown {
        return call(event, context);
      }
    }
    return OnceById;
  },
  replying(options, sendTo, call) {
    class Replying {
      @Listener(options)
      @SendTo(sendTo)
      on(@Payload(Object) event: object, @Context() context: DeliveryContext): unknown {
        return call(event, context);
      }
    }
    return Replying;
  },
  surrounded(options, [outer, ...inner], call) {
    @UseInterceptors(...(outer === undefined ? [] : [outer]))
    class Surrounded {
      @Listener(options)
      @UseInterceptors(...inner)
      on(@Payload(Object) event: object, @Context() context: DeliveryContext): unknown {
        return call(event, context);
      }
    }
    return Surrounded;
  },
  byType(options, { paid, refunded, other }) {
    @Listener(options)
    class ByType {
      @Handler(Paid)
      onPaid(@Payload() event: Paid, @Context() context: DeliveryContext): unknown {
        return paid(event, context);
      }
      // Called with payload and context, as a standard decorator has it.
      @Handler(Refunded)
      onRefunded(event: Refunded, context: DeliveryContext): unknown {
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
      @Listener(options)
      on(@Payload(Object) event: object): void {
        this.#dependency.called(event);
      }
    }
    return new Depending(dependency);
  },
  two(first, second, call) {
    class Base {
      @Listener(second)
      second(@Payload(Object) event: object, @Context() context: DeliveryContext): unknown {
        return call(event, context);
      }
    }
    class Two extends Base {
      @Listener(first)
      first(@Payload(Object) event: object, @Context() context: DeliveryContext): unknown {
        return call(event, context);
      }
    }
    return [Two];
  },
};
