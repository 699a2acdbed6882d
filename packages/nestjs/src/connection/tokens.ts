import { Inject } from '@nestjs/common';
import { Leveret, Publisher } from 'leveret';
import { DEFAULT_CONNECTION } from '../options/connection-name.js';
import { LeveretConnection } from './leveret-connection.js';

/** What a provider of a connection is known by: a class for the default connection, a text for one with a name. */
export type ConnectionToken = string | typeof Leveret | typeof Publisher | typeof LeveretConnection;

/** The token of a connection's `Publisher`, as for `Test.createTestingModule(...).overrideProvider(getPublisherToken('audit'))`. */
export function getPublisherToken(name: string = DEFAULT_CONNECTION): ConnectionToken {
  return name === DEFAULT_CONNECTION ? Publisher : `leveret:${name}:publisher`;
}

/** The token of a connection's `Leveret`: listeners to pause and resume, health, events. */
export function getLeveretToken(name: string = DEFAULT_CONNECTION): ConnectionToken {
  return name === DEFAULT_CONNECTION ? Leveret : `leveret:${name}:application`;
}

/** The token of a {@link LeveretConnection}, which starts and stops it by hand. */
export function getConnectionToken(name: string = DEFAULT_CONNECTION): ConnectionToken {
  return name === DEFAULT_CONNECTION ? LeveretConnection : `leveret:${name}:connection`;
}

/** Injects the `Publisher` of a connection. Without a name, `constructor(publisher: Publisher)` does the same. */
export function InjectPublisher(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getPublisherToken(name));
}

/** Injects the `Leveret` of a connection. */
export function InjectLeveret(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getLeveretToken(name));
}
