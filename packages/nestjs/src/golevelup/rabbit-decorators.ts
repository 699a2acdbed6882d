import { type ExecutionContext, Inject, SetMetadata } from '@nestjs/common';
import { type Pipe, Pipes } from '../execution/parameter-pipes.js';
import type { MessageHandlerOptions, RabbitHandlerConfig } from './rabbit-types.js';

export const RABBIT_HANDLER: unique symbol = Symbol('RABBIT_HANDLER');
export const RABBIT_PARAM_TYPE = 3;
export const RABBIT_HEADER_TYPE = 4;
export const RABBIT_REQUEST_TYPE = 5;
/** What `context.getType()` answers in guards and the like of `@RabbitSubscribe` and `@RabbitRPC` methods. */
export const RABBIT_CONTEXT_TYPE_KEY = 'rmq';
export const RABBIT_CONFIG_TOKEN: unique symbol = Symbol('RABBIT_CONFIG_TOKEN');

const PARAMETERS = 'leveret:rabbit-parameters';

/** What a parameter of a handler takes: the payload, the headers, the whole message; or one property of it. */
export interface RabbitParameter {
  readonly type: number;
  readonly property: string | undefined;
}

type MethodDecoratorOf = (config: MessageHandlerOptions) => MethodDecorator;

export const makeRabbitDecorator =
  <T extends Partial<RabbitHandlerConfig>>(input: T): MethodDecoratorOf =>
  (config) =>
    SetMetadata(RABBIT_HANDLER, { ...input, ...config });

export const RabbitHandler = (config: RabbitHandlerConfig): MethodDecorator => SetMetadata(RABBIT_HANDLER, config);
/** A listener for messages that are not answered. */
export const RabbitSubscribe: MethodDecoratorOf = makeRabbitDecorator({ type: 'subscribe' });
/** A listener for requests: what it answers is the reply. */
export const RabbitRPC: MethodDecoratorOf = makeRabbitDecorator({ type: 'rpc' });

export const InjectRabbitMQConfig = (): PropertyDecorator & ParameterDecorator => Inject(RABBIT_CONFIG_TOKEN);

function parameterOf(
  type: number,
  propertyOrPipe: string | Pipe | undefined,
  pipes: readonly Pipe[],
): ParameterDecorator {
  return (target, key, index) => {
    if (key === undefined) throw new Error('a parameter decorator of RabbitMQ belongs on a parameter of a method');
    const property = typeof propertyOrPipe === 'string' ? propertyOrPipe : undefined;
    const known = rabbitParameters(target, key);
    Reflect.defineMetadata(PARAMETERS, new Map(known).set(index, { type, property }), target, key);
    const all = typeof propertyOrPipe === 'string' || propertyOrPipe === undefined ? pipes : [propertyOrPipe, ...pipes];
    if (all.length > 0) Pipes(...all)(target, key, index);
  };
}

/** The parameters of a method that have decorators, by index. */
export function rabbitParameters(prototype: object, key: string | symbol): ReadonlyMap<number, RabbitParameter> {
  const found = Reflect.getMetadata(PARAMETERS, prototype, key) as ReadonlyMap<number, RabbitParameter> | undefined;
  return found ?? new Map();
}

export function RabbitPayload(propertyOrPipe?: string | Pipe, ...pipes: Pipe[]): ParameterDecorator {
  return parameterOf(RABBIT_PARAM_TYPE, propertyOrPipe, pipes);
}

export function RabbitHeader(propertyOrPipe?: string | Pipe, ...pipes: Pipe[]): ParameterDecorator {
  return parameterOf(RABBIT_HEADER_TYPE, propertyOrPipe, pipes);
}

export function RabbitRequest(propertyOrPipe?: string | Pipe, ...pipes: Pipe[]): ParameterDecorator {
  return parameterOf(RABBIT_REQUEST_TYPE, propertyOrPipe, pipes);
}

/** Whether what a guard or the like runs around is a handler of a message. */
export function isRabbitContext(context: ExecutionContext): boolean {
  return Reflect.hasMetadata(RABBIT_HANDLER, context.getHandler());
}
