import { readdirSync } from 'node:fs';

/** `npm start -w @leveret-examples/consuming -- ack-modes` runs one case. */
const cases = readdirSync(new URL('cases/', import.meta.url))
  .filter((file) => file.endsWith('.js'))
  .map((file) => file.replace('.js', ''));
const [wanted = ''] = process.argv.slice(2);

if (cases.includes(wanted)) {
  const { run } = (await import(`./cases/${wanted}.js`)) as { run(): Promise<void> };
  await run();
} else {
  console.error(`Which case? One of: ${cases.join(', ')}`);
  process.exitCode = 2;
}
