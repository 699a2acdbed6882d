import type { Socket } from 'node:net';

/**
 * Sends what is written to a socket in one go of the event loop as one system call. amqplib writes every frame by itself,
 * and a write costs more than all else that an acknowledgement does.
 *
 * Nothing waits longer for it: what one piece of code writes without a pause leaves when that piece of code ends.
 * @returns what sends at once all that was written so far
 */
export function coalesceWrites(socket: Socket): () => void {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  let corked = false;
  const flush = () => {
    corked = false;
    socket.uncork();
  };
  socket.write = (...args: unknown[]) => {
    if (!corked) {
      corked = true;
      socket.cork();
      process.nextTick(flush);
    }
    return write(...args);
  };
  return () => {
    if (corked) flush();
  };
}
