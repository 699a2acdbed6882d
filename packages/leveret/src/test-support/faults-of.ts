import { ConfigurationError, silentLogger } from '@leveret/core';
import { Leveret } from '../application/leveret.js';
import type { LeveretOptions } from '../application/leveret-options.js';
import { FakeTransport } from './fake-transport.js';

/** The faults that stop a start with these options. */
export async function faultsOf(options: LeveretOptions): Promise<readonly string[]> {
  try {
    await Leveret.start({ transport: new FakeTransport(), logger: silentLogger, ...options });
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  throw new Error('expected the start to fail');
}
