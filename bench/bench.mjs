/** `npm run bench`: consuming and publishing beside amqplib by hand, and what leveret costs before the first message. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const url = process.env.AMQP_URL ?? 'amqp://127.0.0.1';
console.log(`on ${new URL(url).host}, Node ${process.version}\n`);

for (const [script, ...args] of [['consume.mjs'], ['publish.mjs', '--url', url], ['idle.mjs']]) {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const { status } = spawnSync(process.execPath, [path, ...args], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
