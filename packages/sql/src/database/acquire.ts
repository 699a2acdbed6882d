import { type Clock, within } from '@leveret/core';
import { databaseBusy } from './sql-fault.js';

/** Takes a connection from a pool within a bound; one that comes later goes straight back. */
export async function acquire<C>(
  clock: Clock,
  timeoutMs: number,
  connect: () => Promise<C>,
  release: (connection: C) => void,
): Promise<C> {
  let late = false;
  const connecting = connect();
  connecting.then(
    (connection) => {
      if (late) release(connection);
    },
    () => {},
  );
  return within(clock, timeoutMs, connecting, (): never => {
    late = true;
    throw databaseBusy(
      `The pool had no free connection within ${timeoutMs} ms. It needs one for each message in progress, and two more.`,
    );
  });
}
