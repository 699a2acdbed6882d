import { randomUUID } from 'node:crypto';
import type { SendOptions } from './raw-client.js';

/** The form of every id that Spring and leveret make. */
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The headers of correlated confirms and returns, which spring-rabbit leaves on what it publishes. */
export function springCorrelation(): Record<string, string> {
  return {
    spring_listener_return_correlation: randomUUID(),
    spring_returned_message_correlation: randomUUID(),
  };
}

/**
 * The properties that spring-rabbit 4.1.1 writes with `JacksonJsonMessageConverter` and `createMessageIds`, as captured:
 * the priority is there although it is 0, and there is no timestamp.
 * @param types the type headers: a class name, or all of them for a list or a map
 */
export function springProperties(types: string | Record<string, string>, more: SendOptions = {}): SendOptions {
  const typeHeaders = typeof types === 'string' ? { __TypeId__: types } : types;
  return {
    contentType: 'application/json',
    contentEncoding: 'UTF-8',
    priority: 0,
    messageId: randomUUID(),
    ...more,
    headers: { ...typeHeaders, ...springCorrelation(), ...more.headers },
  };
}

/** What Java's types become as headers, in the notation of amqplib. */
export const SPRING_HEADERS = {
  date: { '!': 'timestamp', value: 1_700_000_000 },
  bigDecimal: { '!': 'decimal', value: { places: 2, digits: 1999 } },
  uuid: '4f2c9f0e-5a52-4c7a-9a3b-0d4f6f6f3c11',
  list: ['a', 1, true],
  map: { region: 'eu', nested: { tier: 2 } },
  bytes: Buffer.from([0, 1, 254, 255]),
  int: { '!': 'int', value: 5 },
  long: { '!': 'long', value: 5_000_000_000 },
  bool: true,
  nothing: null,
  longText: 'x'.repeat(2000),
} as const;

/** {@link SPRING_HEADERS} as they are read. */
export const SPRING_HEADERS_READ = { ...SPRING_HEADERS, int: 5, long: 5_000_000_000 } as const;

/** The reply of a Spring listener with `returnExceptions` and the JSON converter. Real stack traces make it 8 KB. */
export function springException(message: string): unknown {
  const frame = {
    classLoaderName: 'app',
    className: 'com.example.Orders',
    fileName: 'Orders.java',
    lineNumber: 42,
    methodName: 'price',
    moduleName: null,
    moduleVersion: null,
    nativeMethod: false,
  };
  const cause = {
    cause: null,
    localizedMessage: message,
    message,
    stackTrace: Array.from({ length: 40 }, () => frame),
  };
  return { exception: { ...cause, cause } };
}
