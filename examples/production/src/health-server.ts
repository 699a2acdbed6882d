import { createServer, type Server } from 'node:http';
import type { Leveret } from 'leveret';

/**
 * `/livez`: the process answers; nothing else, or an outage of the broker would have every instance restarted.
 * `/readyz`: 503 when it is down. `/health`: all of it, for people and for alarms on `degraded`.
 */
export async function startHealthServer(app: Leveret, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    const { status, ...rest } = app.health();
    const code = request.url === '/readyz' && status === 'down' ? 503 : 200;
    const body = request.url === '/health' ? { status, ...rest } : { status: request.url === '/livez' ? 'up' : status };
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, resolve);
  });
  return server;
}
