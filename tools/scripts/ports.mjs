/** Questions to TCP ports. */
import { randomInt } from 'node:crypto';
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

// Below the ports that the system gives to outgoing connections (from 32768 on Linux, 49152 elsewhere): while a node is
// down, somebody's connection - even one to that very port - would otherwise be given the port it wants back.
const FIRST = 20_000;
const LAST = 32_767;

/** Ports on loopback that nobody listens on and no outgoing connection is given. */
export async function freePorts(count) {
  // All are held at once, or the same one might be found twice.
  const servers = [];
  while (servers.length < count) {
    const server = await listening(randomInt(FIRST, LAST + 1));
    if (server !== undefined) servers.push(server);
  }
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function listening(port) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
