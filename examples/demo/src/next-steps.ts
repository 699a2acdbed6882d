import { heading, paint } from './trace.js';

/** Where to go from here. */
export function nextSteps(): void {
  const steps = [
    ['npm run demo -- --only 3 --step', 'one scene, and time to read it'],
    ['npm run demo -- --web', 'a page on which queues fill and drain'],
    ['npx @leveret/broker', 'a broker for a service of your own, without RabbitMQ'],
    ['README.md', 'the first program; docs/listeners.md has every option'],
  ] as const;
  heading('Next');
  for (const [what, why] of steps) console.log(`  ${paint('bold', what.padEnd(32))} ${why}`);
}
