import type { Socket } from 'node:net';

/** What waits is sent when it is so much: the broker has work while the rest is still being written. */
const BYTES_AT_A_TIME = 16_384;

/**
 * Sends what is written to a socket in one go of the event loop as one system call, or a few where it is much. amqplib writes
 * every frame by itself, and a write costs more than all else that an acknowledgement does.
 *
 * Nothing waits longer for it: what one piece of code writes without a pause leaves when that piece of code ends.
 * @returns what sends at once all that was written so far
 */
export function coalesceWrites(socket: Socket): () => void {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  let corked = false;
  let isPlanned = false;
  let bytes = 0;
  const flush = () => {
    if (!corked) return;
    corked = false;
    socket.uncork();
  };
  const atEnd = () => {
    isPlanned = false;
    flush();
  };
  socket.write = (...args: unknown[]) => {
    if (!corked) {
      corked = true;
      bytes = 0;
      socket.cork();
      if (!isPlanned) process.nextTick(atEnd);
      isPlanned = true;
    }
    const hasRoom = write(...args);
    bytes += (args[0] as Uint8Array).length;
    if (bytes >= BYTES_AT_A_TIME) flush();
    return hasRoom;
  };
  return flush;
}
