import { ContextIdFactory } from '@nestjs/core';
import type { DeliveryContext } from 'leveret';
import type { SourceSearch } from '../connection/listener-source.js';
import type { NumberedParameter } from '../execution/handler-parameters.js';
import type { ConsumeMessage } from './amqp-message.js';
import {
  RABBIT_CONTEXT_TYPE_KEY,
  RABBIT_HEADER_TYPE,
  RABBIT_PARAM_TYPE,
  type RabbitParameter,
  rabbitParameters,
} from './rabbit-decorators.js';
import type { RabbitHandlerMethod } from './rabbit-handlers.js';

/** A method is called with these, or with those of them that its parameters say. */
type Surface = readonly [payload: unknown, message: ConsumeMessage, headers: unknown];

/** Calls a method through Nest, as golevelup does: with the payload, the message and the headers. */
export async function callRabbitMethod(
  method: RabbitHandlerMethod,
  payload: unknown,
  context: DeliveryContext,
  message: ConsumeMessage,
  { framework, contextIds }: Pick<SourceSearch, 'framework' | 'contextIds'>,
): Promise<unknown> {
  const { host, key } = method;
  const surface: Surface = [payload, message, message.properties.headers];
  const { parameters, taken } = planOf(method);
  const args = taken === undefined ? surface : taken.map((parameter) => parameter && taking(parameter, surface));
  const instance = await instanceOf(method, context, contextIds);
  return framework.invokeOn(host, {
    instance,
    key,
    args,
    parameters,
    context,
    surface: { type: RABBIT_CONTEXT_TYPE_KEY, args: surface },
  });
}

async function instanceOf(
  { host }: RabbitHandlerMethod,
  context: DeliveryContext,
  contextIds: SourceSearch['contextIds'],
): Promise<object> {
  if (host.kind === 'shared') return host.wrapper.instance as object;
  const contextId = ContextIdFactory.getByRequest(context);
  host.moduleRef.registerRequestByContextId(host.isDurable ? contextId.payload : context, contextId);
  contextIds.set(context, contextId);
  const made: unknown = await host.moduleRef.resolve(host.wrapper.token as string, contextId, { strict: true });
  // The delivery may have been decided meanwhile: nothing of the attempt is to begin any more.
  context.signal.throwIfAborted();
  return made as object;
}

interface Plan {
  readonly parameters: readonly NumberedParameter[];
  /** What each parameter takes; `undefined` where none has a decorator: then all three are handed over. */
  readonly taken: readonly (RabbitParameter | undefined)[] | undefined;
}

/** The same for every message: by it the framework knows what it has made ready. */
const plans = new WeakMap<RabbitHandlerMethod, Plan>();

function planOf(method: RabbitHandlerMethod): Plan {
  const known = plans.get(method) ?? makePlan(method);
  plans.set(method, known);
  return known;
}

function makePlan({ host, key }: RabbitHandlerMethod): Plan {
  const prototype = host.listenerClass.prototype as object;
  const declared = rabbitParameters(prototype, key);
  // Without decorators no pipe runs: there is nothing that says what is what.
  if (declared.size === 0) {
    return { taken: undefined, parameters: [{ kind: 'message' }, { kind: 'message' }, { kind: 'message' }] };
  }
  const types = (Reflect.getMetadata('design:paramtypes', prototype, key) ?? []) as readonly unknown[];
  const taken = Array.from({ length: Math.max(...declared.keys()) + 1 }, (_, index) => declared.get(index));
  const parameters = taken.map((parameter, index): NumberedParameter => {
    if (parameter === undefined) return { kind: 'message' };
    const { type, property: name } = parameter;
    const kind = type === RABBIT_HEADER_TYPE ? 'header' : 'payload';
    return { kind, number: type, name, type: types[index] as NumberedParameter['type'] };
  });
  return { taken, parameters };
}

function taking({ type, property }: RabbitParameter, [payload, message, headers]: Surface): unknown {
  const whole = type === RABBIT_PARAM_TYPE ? payload : type === RABBIT_HEADER_TYPE ? headers : message;
  if (property === undefined) return whole;
  return (whole as Readonly<Record<string, unknown>> | null | undefined)?.[property];
}
