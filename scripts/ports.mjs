/** Questions to TCP ports. */
import { connect, createServer } from 'node:net';

/** Whether an AMQP 0-9-1 broker answers: an open port is not enough, a starting node accepts before it speaks. */
export function speaksAmqp(host, port, timeoutMs = 2000) {
  return talks(host, port, timeoutMs, Buffer.from('AMQP\0\0\x09\x01', 'latin1'), (first) => first === 1);
}

/** Whether anything accepts a TCP connection there. */
export function accepts(host, port, timeoutMs = 2000) {
  return talks(host, port, timeoutMs);
}

function talks(host, port, timeoutMs, greeting, understands) {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => end(false));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    socket.once('connect', () => (greeting === undefined ? end(true) : socket.write(greeting)));
    socket.once('data', (data) => end(understands?.(data[0]) ?? true));
  });
}

/** Ports on loopback that nobody listens on. */
export async function freePorts(count) {
  // All are held at once, or the system would hand out the same one again.
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(0, '127.0.0.1', () => resolve(server));
      });
    }),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
