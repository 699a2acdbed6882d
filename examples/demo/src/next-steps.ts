import { heading, paint } from './trace.js';

/**
 * Where to go from here.
 * @param parked the queue that has what the demo has parked, while there is one
 */
export function nextSteps(parked: string | undefined): void {
  const steps: readonly (readonly [string, string])[] = [
    ...(parked === undefined
      ? []
      : [
          [`npx leveret errors -q ${parked}`, 'what was parked, by error'] as const,
          [`npx leveret console -q ${parked}`, 'the same as a web page, to send it back from'] as const,
        ]),
    ['npm run demo -- --only 3 --step', 'one scene, and time to read it'],
    ['npm run demo -- --web', 'a page on which queues fill and drain'],
    ['npx @leveret/broker', 'a broker for a service of your own, without RabbitMQ'],
    ['README.md', 'the first program; docs/listeners.md has every option'],
    ['examples/nest-service', 'the same in NestJS; examples/nest-from-golevelup comes from golevelup'],
  ];
  heading('Next');
  for (const [what, why] of steps) console.log(`  ${paint('bold', what.padEnd(32))} ${why}`);
}
